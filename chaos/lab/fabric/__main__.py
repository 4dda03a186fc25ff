"""The fabric's process: holds all links, and does what it is told on its standard input.

Standard input is one end of a socket pair whose other end the lab's supervisor has, so nobody else
can reach it; when it ends, so does the fabric. Each line is a JSON array `[call, argument…]`,
answered by one line: `{"ok": result}` or `{"error": message}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from chaos.lab.fabric.condition import Condition, LinkName
from chaos.lab.fabric.door import Door
from chaos.lab.fabric.link import Link


class Fabric:
    """All links and doors. Its public methods are what can be called from outside."""

    def __init__(self) -> None:
        self._links: dict[LinkName, Link] = {}
        self._doors: dict[str, Door] = {}

    def open(self, source: str, destination: str, upstream_port: int) -> int:
        """Open a link and return its port."""
        name = LinkName(source, destination)
        link = self._links[name] = Link(name, upstream_port)
        return link.port

    def set(self, source: str, destination: str, condition: Mapping[str, Any]) -> None:
        """Change a link's condition; it holds when this returns."""
        self._links[LinkName(source, destination)].set(Condition.from_json(condition))

    def close(self, source: str, destination: str, linger: float) -> None:
        """Close a link, and what is established in it after `linger` seconds."""
        self._links.pop(LinkName(source, destination)).close(linger)

    def open_door(self, name: str, ttl: float) -> int:
        """Open a door that leads nowhere yet, and return its port."""
        door = self._doors[name] = Door(ttl)
        return door.port

    def lead(self, name: str, links: list[list[str]]) -> None:
        """Let a door lead to these links from now on."""
        self._doors[name].lead_to([self._links[LinkName(*link)] for link in links])

    def close_door(self, name: str) -> None:
        """Let nobody in by that door any more."""
        self._doors.pop(name).close()

    def counters(self) -> list[dict[str, Any]]:
        """The counters of all links."""
        return [
            {"source": name.source, "destination": name.destination, **asdict(link.counters)}
            for name, link in self._links.items()
        ]


def _answer(calls: Mapping[str, Callable[..., Any]], line: bytes) -> dict[str, Any]:
    call, *arguments = json.loads(line)
    try:
        return {"ok": calls[call](*arguments)}
    except (KeyError, OSError, ValueError) as error:
        return {"error": f"{call}{tuple(arguments)}: {error!r}"}


async def _serve(control: socket.socket) -> None:
    fabric = Fabric()
    calls = {
        method.__name__: method
        for method in (
            fabric.open,
            fabric.set,
            fabric.close,
            fabric.open_door,
            fabric.lead,
            fabric.close_door,
            fabric.counters,
        )
    }
    reader, writer = await asyncio.open_connection(sock=control)
    while line := await reader.readline():
        writer.write(json.dumps(_answer(calls, line)).encode() + b"\n")


def _allow_many_connections() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if most == resource.RLIM_INFINITY else min(most, 65536)
    with contextlib.suppress(ValueError, OSError):  # macOS may allow less than it says.
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


if __name__ == "__main__":
    _allow_many_connections()
    with contextlib.suppress(KeyboardInterrupt, ConnectionError):
        asyncio.run(_serve(socket.socket(fileno=0)))

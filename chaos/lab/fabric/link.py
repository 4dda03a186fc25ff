"""A link: a loopback address that relays to another, in the condition it is given."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from chaos.lab.fabric.condition import PASS, Condition, LinkName, Mode
from chaos.lab.fabric.connection import Connection, reset
from chaos.lab.fabric.listener import Listener
from chaos.lab.fabric.pipe import Lane

Refused = Callable[[socket.socket], None]
"""Takes a connection whose destination does not accept it."""


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """What passed a link since it was opened."""

    connections: int
    """Connections that reached the destination."""
    open_connections: int
    bytes_up: int
    """From source to destination, counted as they leave the source."""
    bytes_down: int


class Link:
    """One link; must be made and used within a running event loop."""

    def __init__(self, name: LinkName, upstream_port: int) -> None:
        self.name = name
        self.condition = PASS
        self._loop = asyncio.get_running_loop()
        self._upstream_port = upstream_port
        self._lanes = Lane(), Lane()
        self._connections: set[Connection] = set()
        self._waiting: list[tuple[socket.socket, Refused]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._closed = False
        self._listener = Listener(self.relay)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 that the source connects to."""
        return self._listener.port

    @property
    def counters(self) -> LinkCounters:
        """What passed so far."""
        up, down = self._lanes
        return LinkCounters(self._count, len(self._connections), up.bytes_passed, down.bytes_passed)

    def set(self, condition: Condition) -> None:
        """Change the condition, for established connections as well."""
        self.condition = condition
        for lane in self._lanes:
            lane.condition = condition
        if condition.mode is Mode.DROP:
            self._listener.block()
            return
        self._listener.unblock()
        waiting, self._waiting = self._waiting, []
        for raw, refused in waiting:
            self.relay(raw, refused)
        for connection in list(self._connections):
            if condition.mode is Mode.RESET:
                connection.abort()
            else:
                connection.settle()

    def relay(self, raw: socket.socket, refused: Refused | None = None) -> None:
        """Carry an accepted connection to the destination.

        One that the destination refuses goes to `refused`, or is reset where there is none.
        """
        refused = refused or _reset_at_once
        if self._closed:
            refused(raw)
        elif self.condition.mode is Mode.RESET:
            _reset_at_once(raw)
        elif self.condition.mode is Mode.DROP:
            self._waiting.append((raw, refused))
        else:
            task = self._loop.create_task(self._connect(raw, refused))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self, linger: float) -> None:
        """Take no more connections, and reset the established ones after `linger` seconds."""
        self._closed = True
        self._listener.close()
        self._loop.call_later(linger, self._abort_all)

    async def _connect(self, raw: socket.socket, refused: Refused) -> None:
        connection = Connection(*self._lanes, on_closed=self._connections.discard)
        try:
            await self._loop.create_connection(
                lambda: connection.far, "127.0.0.1", self._upstream_port
            )
        except OSError:
            refused(raw)
            return
        self._count += 1
        self._connections.add(connection)
        await self._loop.connect_accepted_socket(lambda: connection.near, raw)
        if self.condition.mode is Mode.RESET:
            connection.abort()

    def _abort_all(self) -> None:
        for raw, _ in self._waiting:
            _reset_at_once(raw)
        for connection in list(self._connections):
            connection.abort()


def _reset_at_once(raw: socket.socket) -> None:
    reset(raw)
    raw.close()

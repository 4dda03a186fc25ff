"""A listening loopback socket that can be made to answer nobody."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable

BACKLOG = 1024
"""Connections that may wait to be accepted; the kernel may allow fewer."""

_MOST_FILLERS = 16
_ACCEPTS_AT_ONCE = 64
_PAUSE_WITHOUT_DESCRIPTORS = 0.1
"""Seconds without accepting after the process ran out of file descriptors."""


class Listener:
    """Hands each new connection, as a non-blocking socket, to `on_connection`."""

    def __init__(self, on_connection: Callable[[socket.socket], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_connection = on_connection
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(BACKLOG)
        self._fillers: list[socket.socket] = []
        self._blocked = False
        self._loop.add_reader(self._socket, self._accept)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, the same for the listener's whole life."""
        port: int = self._socket.getsockname()[1]
        return port

    def block(self) -> None:
        """Let new connections hang, as if their packets were lost.

        An accepting socket cannot lose a packet, but one whose queue is full can: the kernel drops
        what would open another connection, and the caller's kernel tries again, just as on a dead
        network. So the queue is made short and filled up. A caller that slips into it hangs, too.
        """
        if self._blocked:
            return
        self._accept()
        self._blocked = True
        self._loop.remove_reader(self._socket)
        self._socket.listen(0)
        while len(self._fillers) < _MOST_FILLERS and self._add_filler():
            pass

    def unblock(self) -> None:
        """Accept again; callers that still try get through at their next try."""
        if not self._blocked:
            return
        self._blocked = False
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        self._socket.listen(BACKLOG)
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Stop listening."""
        self._loop.remove_reader(self._socket)
        for open_socket in (self._socket, *self._fillers):
            open_socket.close()

    def _add_filler(self) -> bool:
        """Take one more place in the queue; False once the queue is full."""
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(self._socket.getsockname())
        self._fillers.append(filler)
        connected = select.poll()  # select itself knows no descriptor above 1023
        connected.register(filler, select.POLLOUT)
        return bool(connected.poll(0))

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                self._rest()
                return
            connection.setblocking(False)
            # asyncio does so only for sockets that name their protocol, which these do not; without
            # it, each answer sent in two writes waits 40 ms for the peer's delayed ACK.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._on_connection(connection)

    def _rest(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.call_later(_PAUSE_WITHOUT_DESCRIPTORS, self._resume)

    def _resume(self) -> None:
        if not self._blocked and self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

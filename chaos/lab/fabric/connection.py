"""One connection through a link: two transports and a pipe each way between them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import cast

from chaos.lab.fabric.pipe import Lane, Pipe

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def reset(raw: socket.socket) -> None:
    """Make closing this socket send a reset, whatever is still in its buffers."""
    with contextlib.suppress(OSError):  # It may be closed already.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


class _End(asyncio.Protocol):
    """One end of a connection: what it receives goes out by one pipe, what it is sent comes in."""

    def __init__(self, outgoing: Pipe, incoming: Pipe, settle: Callable[[], None]) -> None:
        self.outgoing = outgoing
        self.incoming = incoming
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self.was_reset = False
        self._settle = settle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.outgoing.source = self.incoming.sink = self.transport
        self.incoming.flush()
        self.outgoing.flush()

    def data_received(self, data: bytes) -> None:
        self.outgoing.feed(data)

    def eof_received(self) -> bool:
        self.outgoing.feed_end()
        self._settle()
        return True  # The other direction may go on.

    def pause_writing(self) -> None:
        self.incoming.sink_is_full(True)

    def resume_writing(self) -> None:
        self.incoming.sink_is_full(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.was_reset = exc is not None
        self.incoming.discard()
        self._settle()

    def close(self) -> None:
        if self.transport and not self.lost:
            self.transport.close()

    def abort(self) -> None:
        if self.transport and not self.lost:
            reset(self.transport.get_extra_info("socket"))
            self.transport.abort()


class Connection:
    """A caller (near) and the one called (far), joined by a link's two lanes."""

    def __init__(self, up: Lane, down: Lane, on_closed: Callable[[Connection], None]) -> None:
        self._lanes = (up, down)
        self._on_closed = on_closed
        upward, downward = Pipe(up, self.settle), Pipe(down, self.settle)
        self.near = _End(upward, downward, self.settle)
        self.far = _End(downward, upward, self.settle)

    def settle(self) -> None:
        """Pass on what is due, and tell each end what became of the other if word gets through."""
        if any(lane.drops for lane in self._lanes):
            self.near.outgoing.flush()
            self.far.outgoing.flush()
            return
        for end, other in ((self.near, self.far), (self.far, self.near)):
            end.outgoing.flush()
            if end.was_reset:
                other.abort()
            elif end.lost and end.outgoing.is_empty:
                other.close()
        if self.near.outgoing.ended and self.far.outgoing.ended:
            self.near.close()
            self.far.close()
        if self.near.lost and self.far.lost:
            self._on_closed(self)

    def abort(self) -> None:
        """Reset both ends."""
        self.near.abort()
        self.far.abort()

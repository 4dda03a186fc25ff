"""One direction of a relayed connection, and one direction of a link."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

from chaos.lab.fabric.condition import Condition, Mode

HIGH_WATER = 64 * 1024
"""Bytes held back for one direction of a connection before its sender is made to wait."""

_LIMIT_STEP = 0.05
"""Seconds' worth of bytes that a limited link lets through at once."""

_END = b""
"""Stands in a queue for the end of the stream."""


class Lane:
    """One direction of a link: its condition, and what all its connections share."""

    def __init__(self) -> None:
        self.condition = Condition()
        self.bytes_passed = 0
        self._free_at = 0.0

    @property
    def drops(self) -> bool:
        """Whether nothing arrives now."""
        return self.condition.mode is Mode.DROP

    def pieces(self, data: bytes, now: float) -> list[tuple[float, bytes]]:
        """Cut what was received at `now` into pieces, each with the time at which it is due."""
        condition = self.condition
        if condition.mode is Mode.DELAY:
            jitter = random.uniform(-condition.jitter_s, condition.jitter_s)
            return [(now + max(0.0, condition.delay_s + jitter), data)]
        if condition.mode is Mode.LIMIT:
            size = max(1, int(condition.bytes_per_s * _LIMIT_STEP))
            cuts = [data[start : start + size] for start in range(0, len(data), size)]
            return [(self._occupy(len(cut), now), cut) for cut in cuts]
        return [(now, data)]

    def _occupy(self, size: int, now: float) -> float:
        self._free_at = max(now, self._free_at) + size / self.condition.bytes_per_s
        return self._free_at


class Pipe:
    """Carries bytes from one transport to another in order, as its lane lets them through.

    When something that was held back becomes due, `settle` is called, which is to call `flush`.
    """

    def __init__(self, lane: Lane, settle: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._lane = lane
        self._settle = settle
        self._queue: deque[tuple[float, bytes]] = deque()
        self._queued = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sink_full = False
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.ended = False
        """Whether the end of the stream was passed on."""

    @property
    def is_empty(self) -> bool:
        """Whether all that was received was passed on."""
        return not self._queue

    def feed(self, data: bytes) -> None:
        """Take what the source has sent."""
        self._lane.bytes_passed += len(data)
        if self.sink and not self._queue and self._lane.condition.mode is Mode.PASS:
            self.sink.write(data)
            return
        for due, piece in self._lane.pieces(data, self._loop.time()):
            self._append(due, piece)
        self.flush()

    def feed_end(self) -> None:
        """Take it that the source will send no more."""
        self._append(self._loop.time(), _END)
        self.flush()

    def sink_is_full(self, full: bool) -> None:
        """Take note that the sink wants no more for now, or does again."""
        self._sink_full = full
        self._regulate()

    def flush(self) -> None:
        """Pass on what is due; to be called again whenever the lane's condition has changed."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._queue and self.sink and not self._lane.drops:
            due, piece = self._queue[0]
            if due > self._loop.time():
                self._timer = self._loop.call_at(due, self._settle)
                break
            self._queue.popleft()
            self._pass_on(piece, self.sink)
        self._regulate()

    def discard(self) -> None:
        """Forget what is queued: there is nobody left to have it."""
        if self._timer:
            self._timer.cancel()
        self._queue.clear()

    def _append(self, due: float, piece: bytes) -> None:
        if self._queue:
            due = max(due, self._queue[-1][0])  # Jitter must not change the order.
        self._queue.append((due, piece))
        self._queued += len(piece)

    def _pass_on(self, piece: bytes, sink: asyncio.Transport) -> None:
        self._queued -= len(piece)
        if piece is _END:
            self.ended = True
            if not sink.is_closing():
                sink.write_eof()
        else:
            sink.write(piece)

    def _regulate(self) -> None:
        """Read from the source only what the sink can take."""
        if self.source is None or self.source.is_closing():
            return
        if self._lane.drops or self._sink_full or self._queued >= HIGH_WATER:
            self.source.pause_reading()
        else:
            self.source.resume_reading()

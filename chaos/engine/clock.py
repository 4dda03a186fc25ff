"""Time: one of the three seams."""

from __future__ import annotations

import contextlib
import queue
import time
from typing import Protocol


class Clock(Protocol):
    """What the engine knows of time."""

    def now(self) -> float:
        """Seconds since the epoch; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let time pass; may return early when woken."""


class SystemClock:
    """The machine's clock: set once from the wall clock, then steady.

    `wake` is called by handlers of signals, which may come at any moment of a sleep. A lock that
    the sleep holds, as that of a `threading.Event`, would be waited for forever then; a
    SimpleQueue's `put` may be called within its `get`.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        """Let time pass, until `wake` is called."""
        with contextlib.suppress(queue.Empty):
            self._woken.get(timeout=max(0.0, seconds))

    def wake(self) -> None:
        """End the sleep that is under way, or the next one."""
        self._woken.put(None)

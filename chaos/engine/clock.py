"""Time: one of the three seams."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the engine knows of time."""

    def now(self) -> float:
        """Seconds since the epoch; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let time pass; may return early when woken."""


class SystemClock:
    """The machine's clock: set once from the wall clock, then steady."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._woken = threading.Event()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        """Let time pass, until `wake` is called."""
        self._woken.wait(max(0.0, seconds))
        self._woken.clear()

    def wake(self) -> None:
        """End the sleep that is under way, or the next one."""
        self._woken.set()

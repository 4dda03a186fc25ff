"""The clock of the wall: schedules follow it, also when it is set, or the machine has slept."""

from __future__ import annotations

import threading
import time


class WallClock:
    """The machine's wall clock; a sleep ends early when it is woken."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let time pass, until `wake` is called."""
        self._woken.wait(max(0.0, seconds))
        self._woken.clear()

    def wake(self) -> None:
        """End the sleep that is under way, or the next one."""
        self._woken.set()

"""The clock of the wall: schedules follow it, also when it is set, or the machine has slept."""

from __future__ import annotations

import time

from chaos.engine.clock import SystemClock


class WallClock(SystemClock):
    """The machine's wall clock; a sleep ends early when it is woken, as that of a run's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

"""One clock for all that make load."""

from __future__ import annotations

import time


class EpochClock:
    """Seconds since the epoch that never jump: the monotonic clock, shifted once."""

    def __init__(self, offset: float | None = None) -> None:
        self._offset = time.time() - time.monotonic() if offset is None else offset

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.at(time.monotonic())

    def at(self, monotonic: float) -> float:
        """Seconds since the epoch at that time of the monotonic clock."""
        return monotonic + self._offset

    @classmethod
    def like(cls, theirs: float, asked_at: float) -> EpochClock:
        """A clock that shows what another one does.

        `theirs` is what it showed when it answered a question put at `asked_at` (monotonic); the
        answer is taken to be halfway between question and now (Cristian's algorithm).
        """
        return cls(theirs - (asked_at + time.monotonic()) / 2)

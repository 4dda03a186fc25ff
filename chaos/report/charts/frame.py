"""The horizontal geometry that everything in the timeline shares."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.measure.run import FaultTimes, PhaseName, Run
from chaos.report.charts.scales import Linear, time_step

LETTER = 6.1
"""Pixels that a letter of the charts' font takes, on average."""

_TICK_WIDTH = 82
"""Pixels that a tick of the time axis needs."""


@dataclass(frozen=True, slots=True)
class Frame:
    """From moments to pixels."""

    name: str
    """Unique on the page; the ids of patterns begin with it."""
    width: float
    left: float
    right: float
    """Where the plotting area begins and ends, in pixels."""
    start: float
    end: float
    """The moments at `left` and `right`, in seconds since the epoch."""

    def x(self, at: float) -> float:
        """The pixel of a moment; moments beyond the ends stand at the ends."""
        return Linear(self.start, self.end, self.left, self.right)(at)

    def ticks(self, origin: float) -> list[float]:
        """Moments at round distances from `origin`, in seconds since the epoch."""
        step = time_step((self.end - self.start) * _TICK_WIDTH / (self.right - self.left))
        first = int((self.start - origin) // step)
        moments = (origin + count * step for count in range(first, first + 1000))
        return [at for at in moments if self.start - 1e-6 <= at <= self.end][:100]

    def fits(self, text: str, pixels: float) -> bool:
        """Whether the text can be written in so many pixels."""
        return len(text) * LETTER + 8 <= pixels


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """When a fault came, was in force, and went; seconds since the epoch."""

    called_at: float
    confirmed_at: float
    over_at: float
    undone: bool
    """Whether it was taken back; else it simply goes on and `over_at` is only where we stop."""


def fault_span(times: FaultTimes, run: Run) -> FaultSpan | None:
    """The interval to shade; None where the fault was never injected.

    A fault without undo (a termination) is drawn to the end of the fault phase.
    """
    if times.inject_called_at is None:
        return None
    confirmed_at = times.inject_confirmed_at or times.inject_called_at
    over_at = times.revert_confirmed_at or times.revert_called_at
    if over_at is None:
        phase = run.phase(PhaseName.FAULT)
        over_at = phase.ended_at if phase else run.ended_at
    return FaultSpan(
        called_at=times.inject_called_at,
        confirmed_at=confirmed_at,
        over_at=max(confirmed_at, over_at),
        undone=times.revert_confirmed_at is not None,
    )

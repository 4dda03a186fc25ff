"""What the fault phase changed against the baseline, so that no fault is blamed for a slow system.

Compared are the percentiles of single seconds: requests of one second share its fate, seconds much
less so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from chaos.measure.formats import duration
from chaos.measure.histogram import Histogram
from chaos.measure.run import PhaseName, Run
from chaos.slo.compare import Shift, inflation_of, shift
from chaos.slo.window import window_of

_PERCENTILES = (50, 99)

FEWEST_SECONDS = 5
"""Of each phase; with fewer, nothing could be told from chance."""

CHANCE = 0.05
"""A p-value below that is called a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One percentile of the response times, in the baseline and in the fault phase; in seconds."""

    percentile: int
    baseline: float
    """The median of the seconds' percentiles."""
    fault: float
    shift: Shift

    @property
    def said(self) -> str:
        """In a sentence."""
        low, high = (_signed(bound) for bound in self.shift.interval)
        was = f"(seconds had {duration(self.baseline)} before, {duration(self.fault)} then)"
        chance = "p < 0.001" if self.shift.p_value < 0.001 else f"p = {self.shift.p_value:.3f}"  # noqa: PLR2004 - three digits
        if self.shift.p_value >= CHANCE:
            return (
                f"p{self.percentile} did not change measurably against the baseline: "
                f"{_signed(self.shift.median)}, 95% {low} to {high}, {chance} {was}."
            )
        moved = "rose" if self.shift.median > 0 else "fell"
        return (
            f"p{self.percentile} {moved} by {duration(abs(self.shift.median))} against the "
            f"baseline, 95% {low} to {high}, {chance} {was}."
        )


def changes(run: Run) -> tuple[Change, ...]:
    """One change per percentile; none where a phase has too few seconds with answers."""
    if run.phase(PhaseName.BASELINE) is None or run.phase(PhaseName.FAULT) is None:
        return ()
    before = window_of(run, (PhaseName.BASELINE,)).responses()
    then = window_of(run, (PhaseName.FAULT,)).responses()
    found = (_change(before, then, percentile) for percentile in _PERCENTILES)
    return tuple(change for change in found if change)


def _change(
    before: Sequence[Histogram], then: Sequence[Histogram], percentile: int
) -> Change | None:
    old, new = (_quantiles(seconds, percentile / 100) for seconds in (before, then))
    if min(len(old), len(new)) < FEWEST_SECONDS:
        return None
    # The baseline has no fault in it, so what its seconds have in common is chance.
    found = shift(old, new, inflation_of(old))
    return Change(percentile, median(old), median(new), found)


def _quantiles(seconds: Sequence[Histogram], q: float) -> list[float]:
    """Of each second that has answers, in order of time."""
    found = (second.quantile(q) for second in seconds)
    return [value for value in found if value is not None]


def _signed(seconds: float) -> str:
    return f"+{duration(seconds)}" if seconds > 0 else duration(seconds)

"""Whether the system was good, moment by moment: by the seconds of a load or a probe's samples."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from chaos.measure.run import PhaseName, Run
from chaos.measure.samples import SampleSeries
from chaos.model.slo import By, Sli, Slo
from chaos.slo.window import Tally, tallied

TOLERATED = 0.01
"""The share of bad requests that a good second may have, unless an SLO of the run allows more."""

CONTROL_LIMIT = 3.0
"""Standard deviations above the tolerated share before a second is bad (Shewhart's p-chart).

So one stray failure among 50 requests is no outage, and one among five is.
"""

LOAD = "load"
"""The name of the load as a source."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A second in which requests were due, or a sample."""

    at: float
    """When it began, or was due; seconds since the epoch."""
    good: bool
    bad_share: float
    """The share of it that was bad, in 0..1; of a sample 0 or 1."""


@dataclass(frozen=True, slots=True)
class Watch:
    """All moments that one source saw, in order of time."""

    source: str
    """`load`, or `probe NAME`."""
    moments: tuple[Moment, ...]
    every: float
    """Seconds from one moment to the next."""
    width: float
    """Seconds that a moment lasts: what is in it has no order. 0 for a sample."""

    @property
    def watched(self) -> float:
        """Seconds that moments stand for."""
        return len(self.moments) * self.every

    @property
    def ends_at(self) -> float:
        """When the last moment was over; seconds since the epoch."""
        return self.moments[-1].at + self.every if self.moments else 0.0

    def between(self, start: float, end: float) -> Watch:
        """The moments that begin in `[start, end)`."""
        return replace(self, moments=tuple(m for m in self.moments if start <= m.at < end))


def watch_load(run: Run, tolerated: float = TOLERATED, endpoints: Collection[str] = ()) -> Watch:
    """The seconds in which requests were due, up to the end of the last phase.

    Args:
        run: which run.
        tolerated: the share of bad requests, in 0..1, that a good second may have.
        endpoints: look at requests to these only; empty for all.
    """
    end = max((span.ended_at for span in run.phases), default=math.inf)
    pieces = sorted(
        (key.second, piece.planned, piece.bad)
        for key, piece in run.load.slices.items()
        if key.second < end and (not endpoints or key.endpoint in endpoints)
    )
    moments = (
        Moment(tally.second, not is_bad(tally, tolerated), tally.share) for tally in tallied(pieces)
    )
    return Watch(LOAD, tuple(moments), 1.0, 1.0)


def watch_probe(series: SampleSeries, run: Run) -> Watch:
    """The samples that were due before the end of the last phase."""
    end = max((span.ended_at for span in run.phases), default=math.inf)
    moments = (
        Moment(sample.due_at, sample.good, float(not sample.good))
        for sample in series.samples
        if sample.due_at < end
    )
    return Watch(f"probe {series.name}", tuple(moments), series.every, 0.0)


def measured_span(run: Run) -> tuple[float, float]:
    """From the end of the warm-up to the end of the last phase; seconds since the epoch."""
    spans = [span for span in run.phases if span.name is not PhaseName.WARMUP]
    if not spans:
        return math.inf, -math.inf
    return spans[0].started_at, spans[-1].ended_at


def is_bad(second: Tally, tolerated: float) -> bool:
    """Whether more requests of this second were bad than chance makes of the tolerated share."""
    expected = tolerated * second.requests
    return second.hits > expected + CONTROL_LIMIT * math.sqrt(expected * (1 - tolerated))


def tolerated_by(slos: Iterable[Slo]) -> float:
    """The share of bad requests that these SLOs let a good second have.

    That of the strictest availability or error rate of requests, yet never below `TOLERATED`.
    """
    allowed = [
        1 - slo.objective.bound if slo.sli is Sli.AVAILABILITY else slo.objective.bound
        for slo in slos
        if slo.sli in {Sli.AVAILABILITY, Sli.ERROR_RATE} and slo.counted_by is By.REQUESTS
    ]
    return max(TOLERATED, min(allowed, default=TOLERATED))

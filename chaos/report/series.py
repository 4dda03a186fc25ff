"""The load as charts and tables want it: bins of equal width, and totals by endpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from chaos.measure.recording import Recording, Slice
from chaos.measure.run import PhaseName, PhaseSpan, Run

MOST_BINS = 600
"""More points than that are not seen on a screen, and only make the page heavy."""

_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Bin:
    """One or more whole seconds of the run."""

    second: int
    """The first of them, since the epoch."""
    width: int
    """How many seconds."""
    load: Slice

    @property
    def middle(self) -> float:
        """Seconds since the epoch."""
        return self.second + self.width / 2


def extent(run: Run) -> tuple[float, float]:
    """The first and last moment worth drawing, in seconds since the epoch."""
    if not run.phases:
        return run.started_at, max(run.ended_at, run.started_at + 1)
    undone = [fault.revert_confirmed_at or 0.0 for fault in run.faults]
    start = run.phases[0].started_at
    return start, max(run.phases[-1].ended_at, start + 1, *undone)


def bins(recording: Recording, start: float, end: float) -> tuple[Bin, ...]:
    """All whole seconds from `start` to `end`, at most `MOST_BINS` bins; empty ones included."""
    first, last = math.floor(start), math.ceil(end)
    width = _width(last - first)
    loads = [Slice() for _ in range(first, last, width)]
    for key, piece in recording.slices.items():
        if first <= key.second < last:
            _add(loads[(key.second - first) // width], piece)
    seconds = range(first, last, width)
    return tuple(
        Bin(second, min(width, last - second), load)
        for second, load in zip(seconds, loads, strict=True)
    )


def by_endpoint(recording: Recording, phases: Iterable[PhaseSpan]) -> dict[str, Slice]:
    """What became of each endpoint's requests over the measured phases, by name."""
    measured = {
        second
        for span in phases
        if span.name is not PhaseName.WARMUP
        for second in seconds_of(span)
    }
    totals: dict[str, Slice] = {}
    for key, piece in recording.slices.items():
        if key.second in measured:
            _add(totals.setdefault(key.endpoint, Slice()), piece)
    return dict(sorted(totals.items()))


def seconds_of(span: PhaseSpan) -> range:
    """The seconds that begin within the phase, as `Recording.between` has it."""
    return range(math.ceil(span.started_at), math.ceil(span.ended_at))


def _add(total: Slice, piece: Slice) -> None:
    """All but the service times, which no chart shows: that halves the work of a large report."""
    total.ok += piece.ok
    total.failed += piece.failed
    total.timed_out += piece.timed_out
    total.not_sent += piece.not_sent
    total.response.merge(piece.response)


def _width(seconds: int) -> int:
    narrowest = math.ceil(seconds / MOST_BINS)
    return next((width for width in _WIDTHS if width >= narrowest), narrowest)

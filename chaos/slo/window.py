"""The part of a run that an objective is judged over, and its requests second by second."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from chaos.measure.histogram import Histogram
from chaos.measure.recording import Slice
from chaos.measure.run import PhaseName, PhaseSpan, Run
from chaos.measure.samples import Sample, SampleSeries
from chaos.measure.tallies import UserTime
from chaos.model.slo import During

_MEASURED = (PhaseName.BASELINE, PhaseName.FAULT, PhaseName.RECOVERY)


@dataclass(frozen=True, slots=True)
class Tally:
    """One second: the requests that count, and how many of them are hits.

    What a hit is depends on the indicator: a bad request, or one slower than some duration. What
    is counted may also be samples of a probe, or the time of users.
    """

    second: int
    """Whole seconds since the epoch in which the requests were due."""
    requests: float
    hits: float

    @property
    def share(self) -> float:
        """Hits over requests, in 0..1."""
        return self.hits / self.requests


@dataclass(frozen=True, slots=True)
class Window:
    """Some phases of a run with what the load recorded in them."""

    phases: dict[int, PhaseName]
    """The phase of each second."""
    slices: tuple[tuple[int, Slice], ...]
    """Second and slice, in order of time; several slices of a second where it has endpoints."""

    def tallies(
        self, requests: Callable[[Slice], int], hits: Callable[[Slice], int]
    ) -> tuple[Tally, ...]:
        """One tally for each second that has requests, in order of time."""
        return tallied((second, requests(piece), hits(piece)) for second, piece in self.slices)

    def responses(self) -> list[Histogram]:
        """The response times of each second in which something was due, in order of time."""
        merged: dict[int, Histogram] = {}
        for second, piece in self.slices:
            merged.setdefault(second, Histogram()).merge(piece.response)
        return list(merged.values())


def phases_of(during: During | None, run: Run) -> tuple[PhaseName, ...]:
    """What `during` stands for: by default fault and recovery, without faults the baseline."""
    if during is During.ALL:
        return _MEASURED
    if during is not None:
        return (PhaseName(during.value),)
    return (PhaseName.FAULT, PhaseName.RECOVERY) if run.faults else (PhaseName.BASELINE,)


def window_of(run: Run, names: Collection[PhaseName], endpoints: Collection[str] = ()) -> Window:
    """The seconds that begin within these phases; of these endpoints, or of all."""
    phases = {
        second: span.name for span in run.phases if span.name in names for second in _seconds(span)
    }
    slices = sorted(
        (
            (key.second, piece)
            for key, piece in run.load.slices.items()
            if key.second in phases and (not endpoints or key.endpoint in endpoints)
        ),
        key=lambda item: item[0],
    )
    return Window(phases, tuple(slices))


def window_of_samples(run: Run, names: Collection[PhaseName], series: SampleSeries) -> Window:
    """The same of a probe, its samples taken for requests: a second has those that were due in it.

    As with requests, an answer that was bad at once has no latency.
    """
    phases = window_of(run, names).phases
    slices: dict[int, Slice] = {}
    for sample in series.samples:
        second = math.floor(sample.due_at)
        if second in phases:
            _add(sample, slices.setdefault(second, Slice()))
    return Window(phases, tuple(sorted(slices.items(), key=itemgetter(0))))


def _add(sample: Sample, piece: Slice) -> None:
    if sample.good:
        piece.ok += 1
    elif sample.timed_out:
        piece.timed_out += 1
    else:
        piece.failed += 1
        return
    piece.response.record(sample.took)


def tallied(counts: Iterable[tuple[int, float, float]]) -> tuple[Tally, ...]:
    """One tally a second from (second, requests, hits) in order of time; empty seconds left out."""
    sums: dict[int, tuple[float, float]] = {}
    for second, requests, hits in counts:
        so_far = sums.get(second, (0, 0))
        sums[second] = so_far[0] + requests, so_far[1] + hits
    return tuple(Tally(at, requests, hits) for at, (requests, hits) in sums.items() if requests)


def tallied_users(users: Mapping[int, UserTime], seconds: Container[int]) -> tuple[Tally, ...]:
    """The time of users in these seconds, in order of time; what is bad of it are the hits."""
    times = ((at, users[at]) for at in sorted(users) if at in seconds)
    return tallied(
        (at, _exact(time.up) + _exact(time.down), _exact(time.down)) for at, time in times
    )


def _exact(seconds: float) -> float:
    """To a binary microsecond, so that sums over sliding windows gather no rounding errors."""
    return round(seconds * 2**20) / 2**20


def _seconds(span: PhaseSpan) -> range:
    """The seconds that begin in `[started_at, ended_at)`."""
    return range(math.ceil(span.started_at), math.ceil(span.ended_at))

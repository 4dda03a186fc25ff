"""What was good and what was bad, second by second: of requests, of time, or of users' time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from chaos.measure.recording import UNSENT_ENDPOINT
from chaos.measure.run import PhaseName, Run
from chaos.measure.samples import SampleSeries
from chaos.model.problems import nearest
from chaos.model.slo import By, Slo
from chaos.slo.watch import Watch, is_bad, watch_load, watch_probe
from chaos.slo.window import Tally, Window, phases_of, tallied, tallied_users, window_of


class Unmeasurable(Exception):
    """The run does not hold what the indicator is made of; says why."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What counts in a window, and how much of it was bad."""

    tallies: tuple[Tally, ...]
    """Not empty; a hit is bad."""
    phases: dict[int, PhaseName]
    """The phase of each second of the window."""
    unit: str
    """One of what is counted, as a person would say it."""
    seconds: float
    """Of the window in which there was something to count."""

    @property
    def total(self) -> float:
        """Good and bad together."""
        return sum(tally.requests for tally in self.tallies)

    @property
    def bad(self) -> float:
        """The bad ones."""
        return sum(tally.hits for tally in self.tallies)


def counts_of(slo: Slo, run: Run, tolerated: float, *, count_unsent: bool = False) -> Counts:
    """What the objective counts, over its window.

    Args:
        slo: what to count, and where.
        run: of which run.
        tolerated: the share of bad requests that a good second may have.
        count_unsent: count the arrivals that were never sent, and so have no endpoint, as if all
            had been for the SLO's endpoint. Without an endpoint they always count.

    Raises:
        Unmeasurable: there is nothing to count.
    """
    if slo.probe is not None:
        return _samples(slo, run)
    window = window_of(run, phases_of(slo.during, run), endpoints_of(slo, run, count_unsent))
    if slo.counted_by is By.USERS:
        return _users(slo, run, window.phases)
    requests = requests_in(window)
    if not requests:
        raise Unmeasurable(nothing_in(slo, run))
    if slo.counted_by is By.TIME:
        seconds = tuple(Tally(t.second, 1, is_bad(t, tolerated)) for t in requests)
        return Counts(seconds, window.phases, "second", len(seconds))
    return Counts(requests, window.phases, "request", len(requests))


def requests_in(window: Window) -> tuple[Tally, ...]:
    """Planned and bad requests by second."""
    return window.tallies(lambda piece: piece.planned, lambda piece: piece.bad)


def endpoints_of(slo: Slo, run: Run, count_unsent: bool = False) -> tuple[str, ...]:
    """The endpoints as recorded that the SLO is about; empty for all.

    Raises:
        Unmeasurable: the run has no request of that endpoint.
    """
    if slo.endpoint is None:
        return ()
    recorded = run.load.endpoints()
    if slo.endpoint not in recorded:
        hint = nearest(slo.endpoint, set(recorded) - {UNSENT_ENDPOINT})
        raise Unmeasurable(f"no request of the run was to {slo.endpoint}{hint}")
    return (slo.endpoint, UNSENT_ENDPOINT) if count_unsent else (slo.endpoint,)


def series_of(name: str, run: Run) -> SampleSeries:
    """The samples of the probe of that name.

    Raises:
        Unmeasurable: it has none.
    """
    for series in run.probes:
        if series.name == name:
            return series
    raise Unmeasurable(f"the probe {name} has no sample")


def watch_of(slo: Slo, run: Run, tolerated: float) -> Watch:
    """The moments that the objective looks at, over the whole run.

    Raises:
        Unmeasurable: there is no such endpoint or probe.
    """
    if slo.probe is not None:
        return watch_probe(series_of(slo.probe, run), run)
    return watch_load(run, tolerated, endpoints_of(slo, run))


def watch_in_window(slo: Slo, run: Run, tolerated: float) -> Watch:
    """The moments that the objective looks at, in its window.

    Raises:
        Unmeasurable: there is none.
    """
    names = phases_of(slo.during, run)
    spans = [span for span in run.phases if span.name in names]
    start = min((span.started_at for span in spans), default=math.inf)
    end = max((span.ended_at for span in spans), default=math.inf)
    watch = watch_of(slo, run, tolerated).between(start, end)
    if not watch.moments:
        raise Unmeasurable(nothing_in(slo, run))
    return watch


def nothing_in(slo: Slo, run: Run) -> str:
    """Why there is nothing to measure."""
    names = phases_of(slo.during, run)
    if not any(run.phase(name) for name in names):
        return f"the run never came to its {' or '.join(names)} phase"
    what = f"sample of the probe {slo.probe}" if slo.probe else "request"
    return f"no {what} was due in the {' and '.join(names)} phase"


def _samples(slo: Slo, run: Run) -> Counts:
    watch = watch_in_window(slo, run, 0)
    tallies = tallied((math.floor(m.at), 1, not m.good) for m in watch.moments)
    names = phases_of(slo.during, run)
    return Counts(tallies, _phases_at(tallies, run, names), "sample", watch.watched)


def _phases_at(
    tallies: Collection[Tally], run: Run, names: Collection[PhaseName]
) -> dict[int, PhaseName]:
    """The phase that each second ends in: a phase may begin after the second did."""
    phases: defaultdict[int, PhaseName] = defaultdict(lambda: next(iter(names)))
    spans = [span for span in run.phases if span.name in names]
    for tally in tallies:
        for span in spans:
            if span.started_at < tally.second + 1:
                phases[tally.second] = span.name
    return dict(phases)


def _users(slo: Slo, run: Run, phases: dict[int, PhaseName]) -> Counts:
    if not run.load.users:
        raise Unmeasurable("the load did not record what each user saw")
    tallies = tallied_users(run.load.users, phases)
    if not tallies:
        raise Unmeasurable(nothing_in(slo, run))
    return Counts(tallies, phases, "second of users", len(tallies))

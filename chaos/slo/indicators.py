"""From a run to the value that an objective is about."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.measure.histogram import RELATIVE_ERROR, Histogram
from chaos.measure.recording import UNSENT_ENDPOINT, Slice
from chaos.measure.run import Run
from chaos.model.experiment import Sli, Slo
from chaos.model.problems import nearest
from chaos.slo.estimates import Estimate, Quantile, Share
from chaos.slo.intervals import design_effect
from chaos.slo.parts import parts_of
from chaos.slo.window import Tally, Window, phases_of, window_of

_ONE_BUCKET_LOWER = 1 - 2 * RELATIVE_ERROR


class Unmeasurable(Exception):
    """The run does not hold what the indicator is made of; says why."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """An indicator's value and what it rests on."""

    estimate: Estimate
    requests: int
    seconds: int
    """Seconds of the window in which requests were due."""


def measure(slo: Slo, run: Run, *, count_unsent: bool = False) -> Measurement:
    """Availability, error rate or latency over the window of the SLO.

    Args:
        slo: what to measure.
        run: where.
        count_unsent: count the arrivals that were never sent, and so have no endpoint, as if all
            had been for the SLO's endpoint. Without an endpoint they always count.

    Raises:
        Unmeasurable: there is nothing to measure it on.
    """
    window = window_of(run, phases_of(slo.during, run), endpoints_of(slo, run, count_unsent))
    requests = window.tallies(lambda piece: piece.planned, lambda piece: piece.bad)
    if not requests:
        raise Unmeasurable(_nothing_in(slo, run))
    estimate = (
        _latency(slo, window, run)
        if slo.sli is Sli.LATENCY
        else _ratio(slo.sli, requests, window, run)
    )
    return Measurement(estimate, sum(tally.requests for tally in requests), len(requests))


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


def _nothing_in(slo: Slo, run: Run) -> str:
    names = phases_of(slo.during, run)
    if not any(run.phase(name) for name in names):
        return f"the run never came to its {' or '.join(names)} phase"
    return f"no request was due in the {' and '.join(names)} phase"


def _ratio(sli: Sli, bad: tuple[Tally, ...], window: Window, run: Run) -> Share:
    effect = design_effect(bad, parts_of(bad, window.phases, run.faults))
    requests = sum(tally.requests for tally in bad)
    hits = sum(tally.hits for tally in bad)
    return Share(requests - hits if sli is Sli.AVAILABILITY else hits, requests, effect)


def _latency(slo: Slo, window: Window, run: Run) -> Quantile:
    if slo.percentile is None:
        raise Unmeasurable("latency needs a percentile")
    durations = Histogram()
    for _, piece in window.slices:
        durations.merge(piece.response)
    q = slo.percentile / 100
    value = durations.quantile(q)
    if value is None:
        raise Unmeasurable("every request failed at once, so none has a latency")
    # Many may have waited equally long, as at a time-out: count them on both sides of the line.
    effects = [_burstiness(window, run, limit) for limit in (value, value * _ONE_BUCKET_LOWER)]
    return Quantile(durations, q, max(effects))


def _burstiness(window: Window, run: Run, limit: float) -> float:
    slower = window.tallies(_timed, lambda piece: piece.response.count_above(limit))
    return design_effect(slower, parts_of(slower, window.phases, run.faults))


def _timed(piece: Slice) -> int:
    return piece.response.count

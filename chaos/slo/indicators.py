"""From a run to the value that an objective is about, where it has a confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chaos.measure.histogram import RELATIVE_ERROR, Histogram
from chaos.measure.recording import Slice
from chaos.measure.run import Run
from chaos.model.slo import Since, Sli, Slo
from chaos.slo.budget import budget_factor
from chaos.slo.counts import (
    Counts,
    Unmeasurable,
    counts_of,
    endpoints_of,
    nothing_in,
    requests_in,
    series_of,
)
from chaos.slo.estimates import Estimate, Mean, Quantile, Scaled, Share
from chaos.slo.intervals import block_variance, design_effect, residuals
from chaos.slo.parts import parts_of
from chaos.slo.window import Tally, Window, phases_of, window_of, window_of_samples

_ONE_BUCKET_LOWER = 1 - 2 * RELATIVE_ERROR


@dataclass(frozen=True, slots=True)
class Measurement:
    """An indicator's value and what it rests on."""

    estimate: Estimate
    amount: float
    """How much was counted."""
    unit: str
    """One of what was counted: `request`."""
    seconds: float
    """Seconds of the window in which there was something to count."""


def measure(slo: Slo, run: Run, tolerated: float, *, count_unsent: bool = False) -> Measurement:
    """A share, a latency or the throughput over the window of the SLO.

    Args:
        slo: what to measure.
        run: where.
        tolerated: the share of bad requests that a good second may have.
        count_unsent: see `counts_of`.

    Raises:
        Unmeasurable: there is nothing to measure it on.
    """
    if slo.sli.is_a_share:
        counts = counts_of(slo, run, tolerated, count_unsent=count_unsent)
        return Measurement(share_of(slo, counts, run), counts.total, counts.unit, counts.seconds)
    window = _window(slo, run, count_unsent=count_unsent)
    requests = requests_in(window)
    if not requests:
        raise Unmeasurable(nothing_in(slo, run))
    amount = sum(tally.requests for tally in requests)
    unit = _unit_of(slo)
    if slo.sli is Sli.THROUGHPUT:
        return Measurement(_throughput(window, run), amount, unit, len(window.phases))
    return Measurement(_latency(slo, window, run), amount, unit, len(requests))


def _window(slo: Slo, run: Run, *, count_unsent: bool) -> Window:
    names = phases_of(slo.during, run)
    if slo.probe is not None:
        return window_of_samples(run, names, series_of(slo.probe, run))
    return window_of(run, names, endpoints_of(slo, run, count_unsent))


def _unit_of(slo: Slo) -> str:
    return "sample" if slo.probe else "request"


def share_of(slo: Slo, counts: Counts, run: Run) -> Share | Scaled:
    """Availability, error rate, or what is spent of an error budget."""
    effect = design_effect(counts.tallies, parts_of(counts.tallies, counts.phases, run.faults))
    if slo.sli is Sli.AVAILABILITY:
        return Share(counts.total - counts.bad, counts.total, effect)
    bad = Share(counts.bad, counts.total, effect)
    target = slo.target if slo.target is not None else 0.0
    match slo.sli:
        case Sli.ERROR_BUDGET:
            return Scaled(bad, budget_factor(counts.seconds, target))
        case Sli.BURN_RATE:
            return Scaled(bad, 1 / (1 - target))
        case _:
            return bad


def _throughput(window: Window, run: Run) -> Mean:
    """Good answers per second, over whole seconds of the window with or without any."""
    good = dict.fromkeys(_whole_seconds(window, run), 0)
    for second, piece in window.slices:
        if second in good:
            good[second] += piece.ok
    if not good:
        raise Unmeasurable("the window is shorter than a second")
    fewer = [Tally(second, 1, -count) for second, count in good.items()]
    variance = block_variance(residuals(fewer, parts_of(fewer, window.phases, run.faults)))
    return Mean(sum(good.values()) / len(good), math.sqrt(variance) / len(good))


def _whole_seconds(window: Window, run: Run) -> list[int]:
    """The load may end within the run's last second."""
    end = run.phases[-1].ended_at
    return [second for second in sorted(window.phases) if second + 1 <= end]


def _latency(slo: Slo, window: Window, run: Run) -> Quantile:
    if slo.percentile is None:
        raise Unmeasurable("latency needs a percentile")
    durations = Histogram()
    durations.merge_all(latencies(slo, piece) for _, piece in window.slices)
    q = slo.percentile / 100
    value = durations.quantile(q)
    if value is None:
        raise Unmeasurable(f"every {_unit_of(slo)} failed at once, so none has a latency")
    # Many may have waited equally long, as at a time-out: count them on both sides of the line.
    effects = [_burstiness(slo, window, run, limit) for limit in (value, value * _ONE_BUCKET_LOWER)]
    return Quantile(durations, q, max(effects))


def latencies(slo: Slo, piece: Slice) -> Histogram:
    """Since the requests were due, or since they were sent."""
    return piece.service if slo.of is Since.SERVICE else piece.response


def _burstiness(slo: Slo, window: Window, run: Run, limit: float) -> float:
    slower = window.tallies(
        lambda piece: latencies(slo, piece).count,
        lambda piece: latencies(slo, piece).count_above(limit),
    )
    return design_effect(slower, parts_of(slower, window.phases, run.faults))

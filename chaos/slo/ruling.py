"""From a measured value, its interval and the objective to a verdict and the sentence for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.measure.formats import duration, percentage, plural
from chaos.model.units import Threshold, Unit
from chaos.slo.estimates import is_decided, times_longer
from chaos.slo.indicators import Measurement
from chaos.slo.intervals import Interval
from chaos.slo.recovery import Outage
from chaos.slo.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict and what it rests on; see `SloResult` for the units."""

    verdict: Verdict
    explanation: str
    measured: float | None = None
    interval: Interval | None = None


def undecided(why: str) -> Ruling:
    """Nothing was measured."""
    return Ruling(Verdict.INCONCLUSIVE, f"Not measured: {why}.")


def rule_on(measurement: Measurement, objective: Threshold) -> Ruling:
    """The verdict on a ratio or a latency."""
    measured = measurement.estimate.measured
    interval = measurement.estimate.interval()
    verdict = _verdict(interval, objective)
    said = _said(measurement, interval, objective)
    if verdict is Verdict.INCONCLUSIVE:
        side = "met" if objective.holds_for(measured) else "missed"
        why = f"more likely {side} than not; {_what_decides(measurement, objective)}"
    else:
        why = f"all of it {'meets' if verdict is Verdict.PASS else 'misses'} {objective}"
    return Ruling(verdict, f"{said}: {why}.", measured, interval)


def rule_on_recovery(outages: Sequence[Outage], objective: Threshold) -> Ruling:
    """The verdict on the longest recovery; `outages` is not empty."""
    low = max(outage.bounds[0] for outage in outages)
    unrecovered = [outage for outage in outages if outage.recovered_after is None]
    if unrecovered:
        return _never_recovered(unrecovered, low, objective)
    measured = max(outage.recovered_after or 0.0 for outage in outages)
    interval = low, max(outage.bounds[1] for outage in outages)
    verdict = _verdict(interval, objective)
    return Ruling(
        verdict, _recovery_said(outages, measured, verdict, objective), measured, interval
    )


def _verdict(interval: Interval, objective: Threshold) -> Verdict:
    if not is_decided(interval, objective):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if objective.holds_for(interval[0]) else Verdict.FAIL


def _said(measurement: Measurement, interval: Interval, objective: Threshold) -> str:
    shown: Callable[[float], str] = percentage if objective.unit is Unit.RATIO else duration
    low, high = (shown(end) for end in interval)
    requests = plural(measurement.requests, "request")
    lasted = duration(measurement.seconds)
    return (
        f"{shown(measurement.estimate.measured)} over {requests} in {lasted}, "
        f"95% interval {low} to {high}"
    )


def _what_decides(measurement: Measurement, objective: Threshold) -> str:
    longer = times_longer(measurement.estimate, objective)
    if longer is None:
        return f"no run of practical length would decide on {objective}"
    more = max(1, round(measurement.seconds * (longer - 1)))
    return f"about {duration(more)} more of the same would decide on {objective}"


def _never_recovered(unrecovered: list[Outage], low: float, objective: Threshold) -> Ruling:
    watched = duration(max(outage.watched for outage in unrecovered))
    said = f"Not recovered by the end of the load, {watched} after the fault was in place"
    if objective.holds_for(low):
        return Ruling(Verdict.INCONCLUSIVE, f"{said}: too early to tell, wanted {objective}.")
    return Ruling(Verdict.FAIL, f"{said}, wanted {objective}.")


def _recovery_said(
    outages: Sequence[Outage], measured: float, verdict: Verdict, objective: Threshold
) -> str:
    if all(outage.first_bad is None for outage in outages):
        said = "No second was bad, so any outage was shorter than a second"
    else:
        said = (
            f"Good again {duration(measured)} after the fault was in place, give or take a second"
        )
    end = {
        Verdict.PASS: f"meets {objective}",
        Verdict.FAIL: f"misses {objective}",
        Verdict.INCONCLUSIVE: f"too close to {objective} to tell",
    }[verdict]
    return f"{said}: {end}."

"""From a measured value, its interval and the objective to a verdict and the sentence for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.measure.formats import clock, duration, plural, value
from chaos.model.slo import Slo
from chaos.model.units import Threshold
from chaos.slo.estimates import is_decided, times_longer
from chaos.slo.indicators import Measurement
from chaos.slo.intervals import Interval
from chaos.slo.outages import Reliability
from chaos.slo.recovery import Effect
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
    """The verdict on a share, a latency or a throughput, by its confidence interval."""
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


def rule_on_worst(share: float, ended_at: float, slo: Slo) -> Ruling:
    """The verdict on the worst window; what was the worst of one run has no interval."""
    objective = slo.objective
    shown = value(share, objective.unit)
    said = f"{shown} in the worst {duration(slo.window)}, which ended at {clock(ended_at)}"
    return _exact(share, said, objective)


def rule_on_count(seen: Reliability, objective: Threshold) -> Ruling:
    """The verdict on how many outages there were; a count has no interval."""
    count = len(seen.outages)
    said = f"{plural(count, 'outage')} in the {duration(seen.watched)} watched"
    return _exact(count, said, objective)


def rule_on_mtbf(seen: Reliability, objective: Threshold) -> Ruling:
    """The verdict on the mean time between failures."""
    low, high = seen.mtbf_interval
    shown = f"{duration(low)} to {duration(high)}"
    said = (
        f"{plural(len(seen.outages), 'outage')} in the {duration(seen.watched)} watched, so "
        f"{duration(seen.mtbf)} up for each, 95% interval {shown} if outages come by chance"
    )
    return _by_interval(seen.mtbf, (low, high), said, objective)


def rule_on_length(
    seen: Reliability, measured: float, bounds: Interval, what: str, objective: Threshold
) -> Ruling:
    """The verdict on the longest outage, or on the mean of all."""
    if not seen.outages:
        said = f"No outage was seen, so any was shorter than {duration(seen.every)}"
    elif seen.outages[-1].over:
        low, high = (duration(bound) for bound in bounds)
        said = f"{what} {duration(measured)}, between {low} and {high}"
    else:
        said = f"The last outage was not over, and {what.lower()} {duration(measured)} until then"
    return _by_interval(measured, bounds, said, objective)


def rule_on_recovery(effects: Sequence[Effect], objective: Threshold) -> Ruling:
    """The verdict on the longest recovery; `effects` is not empty."""
    low = max(effect.recovery_bounds[0] for effect in effects)
    unrecovered = [effect for effect in effects if effect.recovered_after is None]
    if unrecovered:
        watched = duration(max(effect.watched for effect in unrecovered))
        said = f"Not recovered by the end of the {_watch(effects)}, {watched}"
        return _never(said, low, objective)
    measured = max(effect.recovered_after or 0.0 for effect in effects)
    interval = low, max(effect.recovery_bounds[1] for effect in effects)
    if all(effect.first_bad is None for effect in effects):
        said = f"No {_moment(effects)} was bad, so any outage was shorter than {_every(effects)}"
    else:
        said = f"Good again {_in_place(measured)}, give or take {_every(effects)}"
    return _by_interval(measured, interval, said, objective)


def rule_on_detection(effects: Sequence[Effect], objective: Threshold) -> Ruling:
    """The verdict on the fault that took longest to be noticed; `effects` is not empty."""
    unseen = [effect for effect in effects if effect.detected_after is None]
    if unseen:
        watched = max(effect.watched for effect in unseen)
        said = f"Not noticed by the end of the {_watch(effects)}, {duration(watched)}"
        return _never(said, watched, objective)
    measured = max(effect.detected_after or 0.0 for effect in effects)
    interval = tuple(max(bounds) for bounds in zip(*(e.detection_bounds for e in effects)))  # noqa: B905 - pairs
    said = f"First bad {_in_place(measured)}, give or take {_every(effects)}"
    return _by_interval(measured, (interval[0], interval[1]), said, objective)


def _verdict(interval: Interval, objective: Threshold) -> Verdict:
    if not is_decided(interval, objective):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if objective.holds_for(interval[0]) else Verdict.FAIL


def _exact(measured: float, said: str, objective: Threshold) -> Ruling:
    met = objective.holds_for(measured)
    verdict = Verdict.PASS if met else Verdict.FAIL
    return Ruling(verdict, f"{said}: {'meets' if met else 'misses'} {objective}.", measured)


def _by_interval(measured: float, interval: Interval, said: str, objective: Threshold) -> Ruling:
    verdict = _verdict(interval, objective)
    end = {
        Verdict.PASS: f"meets {objective}",
        Verdict.FAIL: f"misses {objective}",
        Verdict.INCONCLUSIVE: f"too close to {objective} to tell",
    }[verdict]
    return Ruling(verdict, f"{said}: {end}.", measured, interval)


def _never(said: str, at_least: float, objective: Threshold) -> Ruling:
    """What had not come when the watch ended, after at least so many seconds."""
    said = f"{said} after the fault was in place"
    if objective.holds_for(at_least):
        return Ruling(Verdict.INCONCLUSIVE, f"{said}: too early to tell, wanted {objective}.")
    return Ruling(Verdict.FAIL, f"{said}, wanted {objective}.")


def _said(measurement: Measurement, interval: Interval, objective: Threshold) -> str:
    low, high = (value(end, objective.unit) for end in interval)
    amount = plural(round(measurement.amount), measurement.unit, _many(measurement.unit))
    return (
        f"{value(measurement.estimate.measured, objective.unit)} over {amount} in "
        f"{duration(measurement.seconds)}, 95% interval {low} to {high}"
    )


def _many(unit: str) -> str:
    head, _, rest = unit.partition(" ")
    return f"{head}s {rest}".strip()


def _what_decides(measurement: Measurement, objective: Threshold) -> str:
    longer = times_longer(measurement.estimate, objective)
    if longer is None:
        return f"no run of practical length would decide on {objective}"
    more = max(1, round(measurement.seconds * (longer - 1)))
    return f"about {duration(more)} more of the same would decide on {objective}"


def _in_place(seconds: float) -> str:
    return f"{duration(seconds)} after the fault was in place"


def _moment(effects: Sequence[Effect]) -> str:
    return "second" if effects[0].width else "sample"


def _watch(effects: Sequence[Effect]) -> str:
    return "load" if effects[0].width else "samples"


def _every(effects: Sequence[Effect]) -> str:
    return "a second" if effects[0].width else duration(effects[0].every)

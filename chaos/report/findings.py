"""What a run shows beside its verdicts, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.measure.formats import clock, count, duration, number, percentage, plural
from chaos.report.analysis import Analysis, BudgetUse
from chaos.slo.outages import Outage, Reliability
from chaos.slo.users import Served

_OUTAGES_NAMED = 3


def findings(analysis: Analysis) -> Iterator[str]:
    """One line for each thing worth saying."""
    for change in analysis.changes:
        yield change.said
    for seen in analysis.reliability:
        yield outages_said(seen)
    for budget in analysis.budgets:
        yield budget_said(budget)
    if analysis.worst_windows:
        worst = (f"{percentage(w.uptime)} in {duration(w.seconds)}" for w in analysis.worst_windows)
        yield f"User-uptime in the worst window: {', '.join(worst)}."
    for zone in analysis.zones or analysis.servers:
        yield _served_said(zone)
    if analysis.corrected:
        for phase, response in analysis.corrected.response.items():
            slow = duration(response.quantile(0.99))
            yield f"{phase}: p99 corrected for requests that waiting users did not make: {slow}."
    yield from analysis.problems


def outages_said(seen: Reliability) -> str:
    """How many outages there were, and when the first ones were."""
    if not seen.outages:
        return (
            f"{seen.source}: no outage in {duration(seen.watched)} (seen every "
            f"{duration(seen.every)}), so the MTBF is at least {duration(seen.mtbf_interval[0])}."
        )
    named = "; ".join(outage_said(outage) for outage in seen.outages[:_OUTAGES_NAMED])
    rest = len(seen.outages) - _OUTAGES_NAMED
    more = f"; and {count(rest)} more" if rest > 0 else ""
    return (
        f"{seen.source}: {plural(len(seen.outages), 'outage')} in {duration(seen.watched)}, "
        f"MTTR {duration(seen.mttr)}, MTBF {duration(seen.mtbf)}: {named}{more}."
    )


def outage_said(outage: Outage) -> str:
    """When it began, and how long it was."""
    low, high = (duration(bound) for bound in outage.bounds)
    began = f"from {clock(outage.start.at)}"
    if not outage.over:
        return f"{began} for {duration(outage.seconds)} and on, not over when the watch ended"
    return f"{began} for {duration(outage.seconds)} ({low} … {high})"


def budget_said(budget: BudgetUse) -> str:
    """What was spent, and what a repeat every week would spend."""
    fired = [number(alert.threshold) for alert in budget.alerts if alert.fired_at is not None]
    alarms = f"; burn-rate alerts at {', '.join(f'{rate}×' for rate in fired)} would have fired"
    return (
        f"{budget.name}: this run used {percentage(budget.used)} of the 30-day error budget of "
        f"{percentage(budget.target)}; a repeat every week would use {percentage(budget.weekly)}"
        f"{alarms if fired else ''}."
    )


def _served_said(served: Served) -> str:
    shares = ", ".join(f"{percentage(share)} in {name}" for name, share in served.by_phase.items())
    return f"{served.name}: {percentage(served.availability)} of its answers were good ({shares})."

"""The part of `report.json` that says what a run shows beside its verdicts."""

from __future__ import annotations

import math
from typing import TypedDict

from chaos.report.analysis import Analysis, BudgetUse
from chaos.slo.budget import Alert
from chaos.slo.changes import Change
from chaos.slo.outages import Outage, Reliability
from chaos.slo.users import Served, WorstWindow


class OutageJson(TypedDict):
    """One outage."""

    started_at: float
    seconds: float
    interval: list[float | None]
    over: bool


class ReliabilityJson(TypedDict):
    """What the load, or a probe, saw over the measured phases."""

    source: str
    watched_s: float
    every_s: float
    outages: list[OutageJson]
    longest_outage_s: float
    mtbf_s: float | None
    mtbf_interval_s: list[float | None]
    mttr_s: float


class AlertJson(TypedDict):
    """One of the Site Reliability Workbook's alerts, scaled to the run."""

    threshold: float
    long_window_s: int
    short_window_s: int
    highest: float
    fired_at: int | None


class BudgetJson(TypedDict):
    """What an objective's window spends of its 30-day error budget, as a share of it."""

    name: str
    target: float
    used: float
    interval: list[float | None]
    weekly: float
    alerts: list[AlertJson]


class ChangeJson(TypedDict):
    """A percentile of the response time in the fault phase against the baseline."""

    percentile: int
    baseline_s: float
    fault_s: float
    shift_s: float
    interval_s: list[float | None]
    p_value: float


class ServedJson(TypedDict):
    """What one server, or one zone, answered."""

    name: str
    ok: int
    bad: int
    availability: float
    by_phase: dict[str, float]


class WorstWindowJson(TypedDict):
    """The least user-uptime of all windows of that length."""

    seconds: int
    uptime: float
    ended_at: int


class AnalysisJson(TypedDict):
    """All of it."""

    reliability: list[ReliabilityJson]
    budgets: list[BudgetJson]
    changes: list[ChangeJson]
    servers: list[ServedJson]
    zones: list[ServedJson]
    worst_windows: list[WorstWindowJson]
    expected_interval_s: float | None
    problems: list[str]


def analysis_json(analysis: Analysis) -> AnalysisJson:
    """The analysis as plain JSON values."""
    corrected = analysis.corrected
    return {
        "reliability": [_reliability(seen) for seen in analysis.reliability],
        "budgets": [_budget(budget) for budget in analysis.budgets],
        "changes": [_change(change) for change in analysis.changes],
        "servers": [_served(server) for server in analysis.servers],
        "zones": [_served(zone) for zone in analysis.zones],
        "worst_windows": [_worst(window) for window in analysis.worst_windows],
        "expected_interval_s": corrected.expected_interval if corrected else None,
        "problems": list(analysis.problems),
    }


def finite(number: float | None) -> float | None:
    """JSON has no infinity: a bound that does not exist is null."""
    return number if number is not None and math.isfinite(number) else None


def bounds(interval: tuple[float, float]) -> list[float | None]:
    """Both ends of an interval."""
    return [finite(end) for end in interval]


def _reliability(seen: Reliability) -> ReliabilityJson:
    return {
        "source": seen.source,
        "watched_s": seen.watched,
        "every_s": seen.every,
        "outages": [_outage(outage) for outage in seen.outages],
        "longest_outage_s": seen.longest,
        "mtbf_s": finite(seen.mtbf),
        "mtbf_interval_s": bounds(seen.mtbf_interval),
        "mttr_s": seen.mttr,
    }


def _outage(outage: Outage) -> OutageJson:
    return {
        "started_at": outage.start.at,
        "seconds": outage.seconds,
        "interval": bounds(outage.bounds),
        "over": outage.over,
    }


def _budget(budget: BudgetUse) -> BudgetJson:
    return {
        "name": budget.name,
        "target": budget.target,
        "used": budget.used,
        "interval": bounds(budget.interval),
        "weekly": budget.weekly,
        "alerts": [_alert(alert) for alert in budget.alerts],
    }


def _alert(alert: Alert) -> AlertJson:
    return {
        "threshold": alert.threshold,
        "long_window_s": alert.long_window,
        "short_window_s": alert.short_window,
        "highest": alert.highest,
        "fired_at": alert.fired_at,
    }


def _change(change: Change) -> ChangeJson:
    return {
        "percentile": change.percentile,
        "baseline_s": change.baseline,
        "fault_s": change.fault,
        "shift_s": change.shift.median,
        "interval_s": bounds(change.shift.interval),
        "p_value": change.shift.p_value,
    }


def _served(served: Served) -> ServedJson:
    return {
        "name": served.name,
        "ok": served.ok,
        "bad": served.bad,
        "availability": served.availability,
        "by_phase": {phase.value: share for phase, share in served.by_phase.items()},
    }


def _worst(window: WorstWindow) -> WorstWindowJson:
    return {"seconds": window.seconds, "uptime": window.uptime, "ended_at": window.ended_at}

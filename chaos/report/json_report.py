"""`report.json`: the result for machines. Keys are only ever added.

Times are seconds since the epoch, durations seconds, ratios in 0..1; what is not known is null.
"""

from __future__ import annotations

import json
from typing import TypedDict

from chaos.measure.histogram import Histogram
from chaos.measure.recording import Slice
from chaos.measure.run import Event
from chaos.report.analysis import Corrected
from chaos.report.json_analysis import AnalysisJson, analysis_json, bounds, finite
from chaos.report.result import FaultResult, PhaseResult, Result
from chaos.slo.verdict import SloResult

SCHEMA = 1
"""Grows when a key changes its meaning, which a contract says it does not."""


class SloJson(TypedDict):
    """One objective, judged."""

    name: str
    sli: str
    objective: str
    measured: float | None
    interval: list[float | None] | None
    verdict: str
    explanation: str
    unit: str


class ActionJson(TypedDict):
    """One fault: its four times and what users saw of it."""

    name: str
    action: str
    targets: list[str]
    inject_called_at: float | None
    inject_confirmed_at: float | None
    revert_called_at: float | None
    revert_confirmed_at: float | None
    verified: bool | None
    detected_after_s: float | None
    recovered_after_s: float | None
    error: str | None


class LoadJson(TypedDict):
    """How the planned requests ended; the last four sum to the first."""

    planned: int
    ok: int
    failed: int
    timed_out: int
    not_sent: int


class LatencyJson(TypedDict):
    """Response times from the moment a request was due, in seconds."""

    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


class PhaseJson(TypedDict):
    """One phase and the load in it."""

    name: str
    started_at: float
    ended_at: float
    availability: float | None
    error_rate: float | None
    latency_s: LatencyJson
    load: LoadJson
    latency_corrected_s: LatencyJson | None


class EventJson(TypedDict):
    """Something that happened."""

    at: float
    kind: str
    text: str


class ReportJson(TypedDict):
    """The whole of `report.json`."""

    schema: int
    run_id: str
    title: str
    environment: str
    verdict: str
    started_at: float
    ended_at: float
    slos: list[SloJson]
    actions: list[ActionJson]
    load: LoadJson
    phases: list[PhaseJson]
    events: list[EventJson]
    ending: str
    reason: str
    description: str
    analysis: AnalysisJson


def render_json(result: Result) -> str:
    """The text of `report.json`."""
    return json.dumps(json_report(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def json_report(result: Result) -> ReportJson:
    """The result as plain JSON values."""
    run = result.run
    return {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "title": run.title,
        "environment": run.environment,
        "verdict": result.verdict.value,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "slos": [_slo(slo) for slo in result.slos],
        "actions": [_action(fault) for fault in result.faults],
        "load": _load(result.totals),
        "phases": [_phase(phase, result.analysis.corrected) for phase in result.phases],
        "events": [_event(event) for event in run.events],
        "ending": run.ending.value,
        "reason": run.reason,
        "description": run.description,
        "analysis": analysis_json(result.analysis),
    }


def _slo(slo: SloResult) -> SloJson:
    return {
        "name": slo.name,
        "sli": slo.sli,
        "objective": slo.objective,
        "measured": finite(slo.measured),
        "interval": None if slo.interval is None else bounds(slo.interval),
        "verdict": slo.verdict.value,
        "explanation": slo.explanation,
        "unit": slo.unit,
    }


def _action(fault: FaultResult) -> ActionJson:
    times = fault.times
    return {
        "name": times.name,
        "action": times.action,
        "targets": list(times.targets),
        "inject_called_at": times.inject_called_at,
        "inject_confirmed_at": times.inject_confirmed_at,
        "revert_called_at": times.revert_called_at,
        "revert_confirmed_at": times.revert_confirmed_at,
        "verified": times.verified,
        "detected_after_s": finite(fault.detected_after_s),
        "recovered_after_s": finite(fault.recovered_after_s),
        "error": times.error,
    }


def _load(load: Slice) -> LoadJson:
    return {
        "planned": load.planned,
        "ok": load.ok,
        "failed": load.failed,
        "timed_out": load.timed_out,
        "not_sent": load.not_sent,
    }


def _phase(phase: PhaseResult, corrected: Corrected | None) -> PhaseJson:
    omitted = corrected.response.get(phase.name) if corrected else None
    return {
        "name": phase.name.value,
        "started_at": phase.span.started_at,
        "ended_at": phase.span.ended_at,
        "availability": phase.load.availability,
        "error_rate": phase.load.error_rate,
        "latency_s": _latency(phase.load.response),
        "load": _load(phase.load),
        "latency_corrected_s": _latency(omitted) if omitted else None,
    }


def _latency(durations: Histogram) -> LatencyJson:
    return {
        "p50": durations.quantile(0.5),
        "p90": durations.quantile(0.9),
        "p99": durations.quantile(0.99),
        "max": durations.quantile(1),
    }


def _event(event: Event) -> EventJson:
    return {"at": event.at, "kind": event.kind, "text": event.text}

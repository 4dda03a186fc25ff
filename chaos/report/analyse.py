"""Works out what a run shows beside its verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chaos.measure.run import PhaseName, Run
from chaos.model.slo import Sli, Slo
from chaos.report.analysis import Analysis, BudgetUse, Corrected
from chaos.slo.budget import alerts, budget_factor
from chaos.slo.changes import changes
from chaos.slo.closed_model import corrected
from chaos.slo.counts import Unmeasurable, counts_of
from chaos.slo.indicators import share_of
from chaos.slo.outages import Reliability, reliability_of
from chaos.slo.users import by_server, by_zone, worst_windows
from chaos.slo.watch import measured_span, watch_load, watch_probe


def analyse(
    slos: Sequence[Slo], run: Run, tolerated: float, expected_interval: float | None
) -> Analysis:
    """Everything that the run holds something of.

    Never raises: a part that cannot be worked out is left out, and said to be.

    Args:
        slos: the objectives, as they were judged.
        run: what was measured.
        tolerated: the share of bad requests that a good second may have.
        expected_interval: see `judge`.
    """
    parts: dict[str, Callable[[], Any]] = {
        "reliability": lambda: _reliability(run, tolerated),
        "budgets": lambda: _budgets(slos, run, tolerated),
        "changes": lambda: changes(run),
        "servers": lambda: by_server(run),
        "zones": lambda: by_zone(run),
        "worst_windows": lambda: worst_windows(run),
        "corrected": lambda: _corrected(run, expected_interval),
    }
    found: dict[str, Any] = {}
    problems = []
    for name, work_out in parts.items():
        try:
            found[name] = work_out()
        except Exception as error:  # noqa: BLE001 - the verdicts must be reported whatever else is
            problems.append(f"{name} could not be worked out, {type(error).__name__}: {error}")
    return Analysis(**found, problems=tuple(problems))


def _reliability(run: Run, tolerated: float) -> tuple[Reliability, ...]:
    watches = [watch_load(run, tolerated), *(watch_probe(series, run) for series in run.probes)]
    measured = (watch.between(*measured_span(run)) for watch in watches)
    return tuple(reliability_of(watch) for watch in measured if watch.moments)


def _budgets(slos: Sequence[Slo], run: Run, tolerated: float) -> tuple[BudgetUse, ...]:
    """Of each objective that leaves a budget, once where several leave the same."""
    same = {
        (_target(slo), slo.counted_by, slo.endpoint, slo.probe, slo.during): slo
        for slo in reversed(slos)
        if slo.sli.is_a_share and slo.window is None
    }
    found = (_budget(slo, run, tolerated) for slo in reversed(same.values()))
    return tuple(budget for budget in found if budget)


def _budget(slo: Slo, run: Run, tolerated: float) -> BudgetUse | None:
    target = _target(slo)
    if target == 1:
        return None
    try:
        counts = counts_of(slo, run, tolerated)
    except Unmeasurable:
        return None
    bad = share_of(slo.model_copy(update={"sli": Sli.ERROR_RATE}), counts, run)
    low, high = bad.interval()
    factor = budget_factor(counts.seconds, target)
    return BudgetUse(
        slo.name,
        target,
        bad.measured * factor,
        (low * factor, high * factor),
        alerts(counts.tallies, target),
    )


def _target(slo: Slo) -> float:
    if slo.target is not None:
        return slo.target
    bound = slo.objective.bound
    return round(bound if slo.sli is Sli.AVAILABILITY else 1 - bound, 12)


def _corrected(run: Run, expected: float | None) -> Corrected | None:
    if expected is None:
        return None
    spans = [span for span in run.phases if span.name is not PhaseName.WARMUP]
    loads = {span.name: run.load.between(span.started_at, span.ended_at) for span in spans}
    return Corrected(
        expected, {name: corrected(load.response, expected) for name, load in loads.items()}
    )

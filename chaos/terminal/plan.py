"""A plan, drawn for people."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.actions.action import Revertible
from chaos.engine.plan import Plan, PlannedAction, planned_ends
from chaos.measure.formats import duration, percentage
from chaos.model.secrets import conceal
from chaos.model.slo import Sli

WIDTH = 60
"""Columns of the timeline."""

BUDGET_SECONDS = 30 * 86400
"""The window of an error budget: 30 days."""


def plan_lines(plan: Plan) -> Iterator[str]:
    """Everything a run would do, and that nothing was done."""
    place = plan.environment
    where = [place.name, *(x for x in (place.account, place.region, place.host) if x)]
    yield plan.experiment.title
    yield f"  where        {', '.join(dict.fromkeys(map(conceal, where)))}"
    yield f"  load         {_load(plan)}"
    yield f"  seed         {plan.seed}  (--seed {plan.seed} makes the same choice again)"
    yield from _timeline(plan)
    for planned in plan.actions:
        yield ""
        yield from _action_lines(planned)
    yield from _budget(plan)
    if plan.actions:
        yield ""
        yield f"permissions    {', '.join(plan.permissions)}"
    yield "nothing was changed"


def _load(plan: Plan) -> str:
    load = plan.experiment.load
    return f"{load} from {load.locustfile}" if load else "none"


def _timeline(plan: Plan) -> Iterator[str]:
    """The phases and the actions, to scale."""
    phases = plan.experiment.phases
    lengths = {
        "warmup": phases.warmup,
        "baseline": phases.baseline,
        "fault": plan.fault_seconds,
        "recovery": phases.recovery,
    }
    total = sum(lengths.values())
    if not total:
        return
    yield ""
    begin = 0.0
    for name, seconds in lengths.items():
        if seconds:
            yield _bar(name, begin, begin + seconds, total, "-")
        begin += seconds
    fault_begin = phases.warmup + phases.baseline
    ends = planned_ends(plan.actions)
    for planned in plan.actions:
        end = fault_begin + ends[planned.name]
        yield _bar(planned.name, end - planned.duration, end, total, "#")


def _bar(name: str, begin: float, end: float, total: float, mark: str) -> str:
    first = round(begin / total * WIDTH)
    width = max(1, round(end / total * WIDTH) - first)
    drawn = " " * first + mark * width
    span = f"{duration(begin)} to {duration(end)}" if end > begin else f"at {duration(begin)}"
    return f"  {name:<24.24} |{drawn:<{WIDTH}}| {span}"


def _action_lines(planned: PlannedAction) -> Iterator[str]:
    when = f"after {', '.join(planned.after)}" if planned.after else f"at {planned.at:g} s"
    lasts = f" for {planned.duration:g} s" if planned.duration else ""
    yield f"{planned.name}: {planned.action.id} {when}{lasts}"
    for target in planned.targets:
        words = [target.id, target.zone or "", target.group or "", target.name]
        yield "  target       " + "  ".join(word for word in words if word)
    for call in planned.inject_calls:
        yield f"  call         {call}"
    if not isinstance(planned.action, Revertible):
        yield f"  undo         none: {planned.action.no_undo}"
    for call in planned.revert_calls:
        yield f"  undo         {call}"


def _budget(plan: Plan) -> Iterator[str]:
    """What it would cost if every request of the fault phase failed."""
    for slo in plan.experiment.slos:
        if slo.sli is Sli.AVAILABILITY and plan.actions and slo.objective.bound < 1:
            allowed = (1 - slo.objective.bound) * BUDGET_SECONDS
            share = plan.fault_seconds / allowed
            yield ""
            yield (
                f"at worst       {percentage(min(share, 1))} of a 30-day error budget at "
                f"{slo.objective}, if every request of the fault phase fails"
            )
            return

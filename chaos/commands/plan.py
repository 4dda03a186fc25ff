"""`chaos plan`: what a run would do, without touching anything."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.exit_codes import ExitCode

if TYPE_CHECKING:
    from chaos.engine.plan import Plan, PlannedAction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment and where it would run."""
    from chaos.commands.options import add_environment_options

    parser.add_argument("file", metavar="FILE", type=Path)
    add_environment_options(parser)
    parser.add_argument("--seed", metavar="N", type=int, help="as for run")


def run(options: argparse.Namespace) -> int:
    """Resolve everything, print it, change nothing."""
    from chaos.api import plan_experiment
    from chaos.commands.options import choose, read_experiment
    from chaos.environments import open_environment
    from chaos.terminal.watch import say

    choice = choose(options)
    loaded = read_experiment(options.file, choice)
    with open_environment(choice.name, choice.environment, choice.settings, say) as environment:
        plan = plan_experiment(loaded, environment, options.seed)
        print("\n".join(_lines(plan)))
    return ExitCode.PASS


def _lines(plan: Plan) -> Iterator[str]:
    place = plan.environment
    where = [place.name, *(x for x in (place.account, place.region, place.host) if x)]
    yield plan.experiment.title
    yield f"  where        {', '.join(dict.fromkeys(where))}"
    yield f"  load         {_load(plan)}"
    yield f"  phases       {_phases(plan)}"
    yield f"  seed         {plan.seed}  (--seed {plan.seed} makes the same choice again)"
    for planned in plan.actions:
        yield ""
        yield from _action_lines(planned)
    if plan.actions:
        yield ""
        yield f"permissions    {', '.join(plan.permissions)}"
    yield "nothing was changed"


def _load(plan: Plan) -> str:
    load = plan.experiment.load
    if load is None:
        return "none"
    amount = f"{load.rate:g} arrivals/s" if load.rate else f"{load.users or 'its own'} users"
    return f"{amount} from {load.locustfile}"


def _phases(plan: Plan) -> str:
    phases = plan.experiment.phases
    lengths = {
        "warmup": phases.warmup,
        "baseline": phases.baseline,
        "fault": plan.fault_seconds,
        "recovery": phases.recovery,
    }
    return ", ".join(f"{name} {seconds:g} s" for name, seconds in lengths.items() if seconds)


def _action_lines(planned: PlannedAction) -> Iterator[str]:
    from chaos.actions.action import Revertible

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

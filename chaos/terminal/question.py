"""Asking a person before anything outside of the lab is broken."""

from __future__ import annotations

import sys

from chaos.engine.environment import OpenEnvironment
from chaos.engine.plan import Plan
from chaos.model.environment import LAB
from chaos.model.experiment import Experiment
from chaos.terminal.plan import plan_lines


def is_worth_asking(environment: OpenEnvironment, experiment: Experiment) -> bool:
    """Whether somebody is there to ask, and something is there to lose."""
    someone = sys.stdin.isatty() and sys.stdout.isatty()
    return someone and bool(experiment.actions) and environment.name != LAB


def confirmed(plan: Plan) -> bool:
    """Show the plan, and ask whether it is to be carried out; only a clear yes is one."""
    print("\n".join(plan_lines(plan)))
    where = ", ".join(filter(None, [plan.environment.name, plan.environment.account]))
    try:
        return input(f"run this in {where}? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False

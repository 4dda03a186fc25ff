"""`chaos plan`: what a run would do, without touching anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, where it would run, and how to show it."""
    from chaos.commands.options import add_environment_options

    parser.add_argument("file", metavar="FILE", type=Path)
    add_environment_options(parser)
    parser.add_argument("--seed", metavar="N", type=int, help="as for run")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--save", metavar="PLAN.json", type=Path, help="for chaos run PLAN.json, exactly as it is"
    )


def run(options: argparse.Namespace) -> int:
    """Resolve everything, print it, change nothing."""
    from chaos.api import plan_experiment
    from chaos.commands.options import choose, read_experiment
    from chaos.engine.plan_document import document_of, write_plan
    from chaos.environments import open_environment
    from chaos.terminal.plan import plan_lines
    from chaos.terminal.watch import say

    choice = choose(options)
    loaded = read_experiment(options.file, choice)
    with open_environment(choice.name, choice.environment, choice.settings, say) as environment:
        plan = plan_experiment(loaded, environment, options.seed)
        document = document_of(plan, loaded.file)
        if options.save:
            write_plan(document, options.save)
        print(document.model_dump_json(indent=2) if options.json else "\n".join(plan_lines(plan)))
    return ExitCode.PASS

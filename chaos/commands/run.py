"""`chaos run`: load on, fault in, watch, put everything back, judge, report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.exit_codes import ExitCode
from chaos.measure.run import Ending
from chaos.slo.verdict import Verdict

if TYPE_CHECKING:
    from chaos.api import FinishedRun, RunOptions
    from chaos.engine.environment import OpenEnvironment
    from chaos.engine.plan_document import PlanDocument
    from chaos.model.loading import LoadedExperiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, where to run it, and how."""
    from chaos.commands.options import add_environment_options

    parser.add_argument("file", metavar="FILE", type=Path, help="an experiment, or a saved plan")
    add_environment_options(parser)
    parser.add_argument(
        "--reports", metavar="DIR", type=Path, default=Path("reports"), help="default: reports"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="repeats a choice of targets")
    parser.add_argument(
        "--load-workers", metavar="N", type=int, help="Locust workers on other machines to wait for"
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask, on a terminal, before breaking anything"
    )
    parser.add_argument("--plain", action="store_true", help="lines instead of a live view")
    parser.add_argument(
        "--ci", action="store_true", help="plain; on GitHub also groups, an annotation, the summary"
    )
    parser.epilog = (
        "exit codes: 0 pass, 1 fail, 2 invalid file or refused, 3 inconclusive, "
        "4 aborted and rolled back, 5 rollback incomplete, 6 environment not usable"
    )


def run(options: argparse.Namespace) -> int:
    """Run the experiment; the exit code is the verdict."""
    from chaos.api import Controls, RunOptions, run_experiment
    from chaos.commands.options import choose, read_experiment
    from chaos.engine.plan_document import is_plan, read_plan
    from chaos.engine.recovery import unfinished_runs
    from chaos.environments import open_environment
    from chaos.interrupting import interruptible
    from chaos.terminal.ci import publish, watch_in_ci
    from chaos.terminal.summary import print_summary
    from chaos.terminal.watch import say, watch

    saved = read_plan(options.file) if is_plan(options.file) else None
    if saved is not None and options.env is None and not options.host:
        options.env = saved.environment
    choice = choose(options)
    loaded = _from_plan(saved) if saved else read_experiment(options.file, choice)
    seed = saved.seed if saved else options.seed
    chosen = RunOptions(options.reports, seed, options.load_workers, saved)
    controls = Controls()
    for unfinished in unfinished_runs(options.reports):
        say(f"run {unfinished.directory.name} was cut off: chaos recover puts back what is open")
    with open_environment(choice.name, choice.environment, choice.settings, say) as environment:
        if not (options.yes or options.ci or saved):
            chosen = _asked(loaded, environment, chosen)
        title = loaded.experiment.title
        watched = watch_in_ci(title) if options.ci else watch(title, plain=options.plain)
        with interruptible(controls), watched as observer:
            finished = run_experiment(loaded, environment, observer, chosen, controls)
        print_summary(finished.result, finished.directory)
    if finished.unwritten:
        say(f"the report is not whole: {finished.unwritten}")
    if options.ci:
        publish(finished.result)
    return _exit_code(finished)


def _asked(
    loaded: LoadedExperiment, environment: OpenEnvironment, chosen: RunOptions
) -> RunOptions:
    """On a terminal, outside of the lab: what was shown and confirmed is what will be run.

    Raises:
        Refused: the answer was not yes.
    """
    from chaos.terminal.question import confirmed, is_worth_asking

    if not is_worth_asking(environment, loaded.experiment):
        return chosen
    from chaos.api import plan_experiment
    from chaos.engine.plan_document import document_of
    from chaos.model.problems import Refused

    plan = plan_experiment(loaded, environment, chosen.seed)
    if not confirmed(plan):
        raise Refused("not confirmed, so nothing was touched")
    return replace(chosen, seed=plan.seed, saved_plan=document_of(plan, loaded.file))


def _from_plan(saved: PlanDocument) -> LoadedExperiment:
    from chaos.model.loading import LoadedExperiment

    return LoadedExperiment(saved.experiment, Path(saved.file))


def _exit_code(finished: FinishedRun) -> ExitCode:
    by_ending = {
        Ending.ABORTED: ExitCode.ABORTED,
        Ending.ROLLBACK_INCOMPLETE: ExitCode.ROLLBACK_INCOMPLETE,
        Ending.UNUSABLE: ExitCode.UNUSABLE,
    }
    by_verdict = {
        Verdict.PASS: ExitCode.PASS,
        Verdict.FAIL: ExitCode.FAIL,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    }
    judged = ExitCode.UNUSABLE if finished.unwritten else by_verdict[finished.verdict]
    return by_ending.get(finished.result.run.ending, judged)

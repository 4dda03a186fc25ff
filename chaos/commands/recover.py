"""`chaos recover`: after a crash, put back what the journals say is still broken."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.exit_codes import ExitCode

if TYPE_CHECKING:
    from chaos.engine.recovery import StillBroken, UnfinishedRun
    from chaos.model.environment import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One run, or all that were not finished."""
    parser.add_argument(
        "run_name", metavar="RUN", nargs="?", help="a run id or directory; default: all unfinished"
    )
    parser.add_argument("--reports", metavar="DIR", type=Path, default=Path("reports"))
    parser.add_argument(
        "--env",
        metavar="NAME",
        action="append",
        default=[],
        help="also what other machines ran there, by the copies of their journals",
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="instead of chaos.toml")
    parser.epilog = "A run that is alive is left alone. Exit code 5: something is still broken."


def run(options: argparse.Namespace) -> int:
    """Recover each run; the exit code says whether all is back."""
    from chaos.engine.recovery import lost_runs, unfinished_runs
    from chaos.model.environment import find_settings_file, load_settings
    from chaos.recovering import bring_down_runs

    settings = load_settings(options.config or find_settings_file(Path.cwd()))
    for name in options.env:
        for left_alone in bring_down_runs(name, settings, options.reports):
            print(left_alone)
    if options.run_name is None:
        unfinished = list(unfinished_runs(options.reports))
    else:
        unfinished = _named(options.reports, options.run_name)
    lost = list(lost_runs(options.reports)) if options.run_name is None else []
    for one in lost:
        print(f"{one}: what is open of it has to be looked for by hand")
    if not unfinished and not lost:
        print("nothing to recover: every run here has ended and put everything back")
        return ExitCode.PASS
    broken = [found for one in unfinished for found in _recover(one, settings)]
    return ExitCode.ROLLBACK_INCOMPLETE if broken or lost else ExitCode.PASS


def _named(reports: Path, name: str) -> list[UnfinishedRun]:
    from chaos.engine.liveness import is_alive
    from chaos.engine.recovery import read_unfinished
    from chaos.model.problems import Refused

    below = reports / name
    directory = (below if below.exists() else Path(name)).resolve()
    if is_alive(directory):
        raise Refused(f"run {directory.name} is alive; interrupt it, and it puts everything back")
    found = read_unfinished(directory)
    return [found] if found else []


def _recover(unfinished: UnfinishedRun, settings: Settings) -> list[StillBroken]:
    from chaos.recovering import recover_run

    run_id = unfinished.started.run_id
    print(f"{run_id}: {len(unfinished.open_faults)} open")
    outcome = recover_run(unfinished, settings)
    print(f"{run_id}: {outcome.text}")
    for warning in outcome.warnings:
        print(f"  {warning}")
    for broken in outcome.still_broken:
        print(f"  {broken.name}: STILL BROKEN: {broken.why}")
        for command in broken.commands:
            print(f"    {command}")
    return list(outcome.still_broken)

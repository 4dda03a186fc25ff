"""`chaos history`: the runs there were, their verdicts, and the reliability over all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs."""
    parser.add_argument(
        "words", metavar="WORD", nargs="*", help="only runs with all of these in id or title"
    )
    parser.add_argument("--env", metavar="NAME", help="only runs in this environment")
    parser.add_argument("--reports", metavar="DIR", type=Path, default=Path("reports"))


def run(options: argparse.Namespace) -> int:
    """Read the reports; say what they say together."""
    from chaos.report.history import PastRun, over_all, read_history
    from chaos.terminal.history import print_history

    def is_wanted(run: PastRun) -> bool:
        text = f"{run.run_id} {run.title}".lower()
        named = all(word.lower() in text for word in options.words)
        return named and options.env in {None, run.environment}

    runs = [run for run in read_history(options.reports) if is_wanted(run)]
    if not runs:
        print(f"no such run in {options.reports}")
        return ExitCode.PASS
    print_history(runs, over_all(runs))
    return ExitCode.PASS

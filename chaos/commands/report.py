"""`chaos report`: judge and write the report of a stored run again."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, by id or directory."""
    parser.add_argument(
        "run_name", metavar="RUN", nargs="?", default="latest", help="a run id or directory"
    )
    parser.add_argument("--reports", metavar="DIR", type=Path, default=Path("reports"))


def run(options: argparse.Namespace) -> int:
    """Read, judge, write; say the verdict."""
    from chaos.engine.stored_run import read_run
    from chaos.report.conclude import conclude
    from chaos.report.write import write_report
    from chaos.terminal.summary import print_summary

    below = options.reports / options.run_name
    directory = below if below.exists() else Path(options.run_name)
    stored = read_run(directory.resolve())
    result = conclude(stored.experiment, stored.run)
    write_report(result, directory.resolve())
    print_summary(result, directory)
    return ExitCode.PASS

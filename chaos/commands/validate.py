"""`chaos validate`: is everything in these files right, as far as can be known offline?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files, and the environment whose variables fill them in."""
    from chaos.commands.options import add_environment_options

    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    add_environment_options(parser)


def run(options: argparse.Namespace) -> int:
    """Check each file; all problems of all files are said."""
    from chaos.commands.options import choose, read_experiment
    from chaos.model.problems import InvalidInput

    choice = choose(options)
    wrong = 0
    for file in options.files:
        try:
            loaded = read_experiment(file, choice)
        except InvalidInput as error:
            wrong += len(error.problems)
            print(error, file=sys.stderr)
        else:
            print(f"{file}: valid ({loaded.experiment.title})")
    if wrong:
        print(f"{wrong} problem{'s' if wrong > 1 else ''} found", file=sys.stderr)
    return ExitCode.USAGE if wrong else ExitCode.PASS

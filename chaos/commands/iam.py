"""`chaos iam`: the least-privilege policy for some experiments."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files, and the environment whose variables fill them in."""
    from chaos.commands.options import add_environment_options

    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    add_environment_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print one policy for all of them; offline."""
    from chaos.commands.options import choose, read_experiment
    from chaos.engine.iam import policy_for

    choice = choose(options)
    experiments = [read_experiment(file, choice).experiment for file in options.files]
    print(json.dumps(policy_for(experiments), indent=2))
    return ExitCode.PASS

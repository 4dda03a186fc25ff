"""`chaos schema`: what an experiment or a game day may say, for editors."""

from __future__ import annotations

import argparse
import json

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of the two."""
    parser.add_argument("--gameday", action="store_true", help="of game days instead")
    parser.epilog = (
        "Editors with a YAML language server read it from a first line such as: "
        "# yaml-language-server: $schema=experiment.schema.json"
    )


def run(options: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    from chaos.actions.registry import Registry
    from chaos.model.schema import experiment_schema, gameday_schema

    schema = gameday_schema() if options.gameday else experiment_schema(Registry())
    print(json.dumps(schema, indent=2))
    return ExitCode.PASS

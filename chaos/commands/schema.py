"""`chaos schema`: what an experiment file may say, for editors."""

from __future__ import annotations

import argparse
import json

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""
    parser.epilog = (
        "Editors with a YAML language server read it from a first line such as: "
        "# yaml-language-server: $schema=experiment.schema.json"
    )


def run(_options: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    from chaos.actions.registry import Registry
    from chaos.model.schema import experiment_schema

    print(json.dumps(experiment_schema(Registry()), indent=2))
    return ExitCode.PASS

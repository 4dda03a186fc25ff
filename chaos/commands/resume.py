"""`chaos resume`: turn the kill switch off."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the environments are that share one."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="instead of chaos.toml")


def run(options: argparse.Namespace) -> int:
    """Let runs begin again, here and in the environments of `chaos.toml` that have a lock."""
    from chaos.engine.lock import state_directory, turn_kill_switch_off
    from chaos.model.problems import EnvironmentUnusable
    from chaos.shared_locks import shared_locks

    was_on = turn_kill_switch_off(state_directory())
    troubles: list[str] = []
    for lock in shared_locks(options.config, troubles.append):
        try:
            was_on |= lock.turn_kill_switch_off()
        except EnvironmentUnusable as error:
            troubles.append(str(error))
    print("runs may begin again" if was_on else "the kill switch was not on")
    for trouble in troubles:
        print(trouble)
    return ExitCode.UNUSABLE if troubles else ExitCode.PASS

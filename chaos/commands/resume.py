"""`chaos resume`: turn the kill switch off."""

from __future__ import annotations

import argparse

from chaos.exit_codes import ExitCode


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(_options: argparse.Namespace) -> int:
    """Let runs begin again."""
    from chaos.engine.lock import state_directory, turn_kill_switch_off

    was_on = turn_kill_switch_off(state_directory())
    print("runs may begin again" if was_on else "the kill switch was not on")
    return ExitCode.PASS

"""`chaos stop`: end the experiments that are running, from any terminal; they roll back."""

from __future__ import annotations

import argparse
import time

from chaos.exit_codes import ExitCode

LOOK_EVERY = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much to stop, and why."""
    parser.add_argument(
        "--all", action="store_true", help="and let none begin until `chaos resume`: a kill switch"
    )
    parser.add_argument("--because", metavar="TEXT", default="", help="stands in the report")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=120, help="for the rollback; default: 120"
    )


def run(options: argparse.Namespace) -> int:
    """Ask every run on this machine to end, and wait until each has put everything back."""
    from chaos.engine.lock import Note, all_holders, state_directory, turn_kill_switch_on

    directory = state_directory()
    note = Note.now(time.time(), options.because)
    if options.all:
        turn_kill_switch_on(directory, note)
        print("the kill switch is on: no run begins until chaos resume")
    held = all_holders(directory)
    for lock, holder in held:
        lock.request_stop(note)
        print(f"stopping run {holder.text}")
    deadline = time.monotonic() + options.wait
    while (going_on := all_holders(directory)) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
    for _, holder in going_on:
        print(f"run {holder.text} is still putting things back")
    if not held:
        print("no run is going on")
    return ExitCode.ROLLBACK_INCOMPLETE if going_on else ExitCode.PASS

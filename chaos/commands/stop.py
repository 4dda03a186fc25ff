"""`chaos stop`: end the experiments that are running, from any terminal; they roll back."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.exit_codes import ExitCode

if TYPE_CHECKING:
    from chaos.engine.lock import Note, Stoppable
    from chaos.engine.shared_lock import SharedLock

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
    parser.add_argument("--config", metavar="FILE", type=Path, help="instead of chaos.toml")
    parser.epilog = (
        "Ends the runs on this machine, and those on others in environments of chaos.toml that "
        "have a lock there. Exit code 6: one of these could not be asked."
    )


def run(options: argparse.Namespace) -> int:
    """Ask every run to end, and wait until each has put everything back."""
    from chaos.engine.lock import Note
    from chaos.shared_locks import shared_locks

    note = Note.now(time.time(), options.because)
    held = _stop_here(note, for_good=options.all)
    troubles: list[str] = []
    for lock in shared_locks(options.config, troubles.append):
        with _reported(troubles):
            held |= _stop_there(lock, note, for_good=options.all)
    going_on = _await_end(held, time.monotonic() + options.wait, troubles)
    for text in sorted({holder.text for holder in going_on.values()}):
        print(f"run {text} is still putting things back")
    for trouble in troubles:
        print(trouble)
    if not held and not troubles:
        print("no run is going on")
    if going_on:
        return ExitCode.ROLLBACK_INCOMPLETE
    return ExitCode.UNUSABLE if troubles else ExitCode.PASS


def _stop_here(note: Note, *, for_good: bool) -> dict[Stoppable, Note]:
    """Ask the runs on this machine; who they are."""
    from chaos.engine.lock import all_holders, state_directory, turn_kill_switch_on

    if for_good:
        turn_kill_switch_on(state_directory(), note)
        print("the kill switch is on: no run begins until chaos resume")
    held: dict[Stoppable, Note] = dict(all_holders(state_directory()))
    for lock, holder in held.items():
        lock.request_stop(note)
        print(f"stopping run {holder.text}")
    return held


def _stop_there(lock: SharedLock, note: Note, *, for_good: bool) -> dict[Stoppable, Note]:
    """Ask the run on whatever machine that has this lock; who it is."""
    if for_good:
        lock.turn_kill_switch_on(note)
        print(f"the kill switch is on for {lock.environment}")
    holder = lock.holder()
    if holder is None:
        return {}
    lock.request_stop(note)
    print(f"stopping run {holder.text} by {holder.by}")
    return {lock: holder}


def _await_end(
    held: dict[Stoppable, Note], deadline: float, troubles: list[str]
) -> dict[Stoppable, Note]:
    """Those that still go on at the deadline."""
    while held and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
        for lock, holder in list(held.items()):
            with _reported(troubles):
                if lock.holder() == holder:
                    continue
            held = {other: one for other, one in held.items() if other is not lock}
    return held


@contextmanager
def _reported(troubles: list[str]) -> Iterator[None]:
    """What is out of reach keeps no other run from being stopped."""
    from chaos.model.problems import EnvironmentUnusable

    try:
        yield
    except EnvironmentUnusable as error:
        troubles.append(str(error))

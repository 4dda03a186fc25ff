"""After a crash: what a journal says is still open, and putting it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chaos.actions.action import Revertible
from chaos.actions.registry import Registry
from chaos.aws.factory import ClientFactory
from chaos.engine.clock import Clock
from chaos.engine.journal import (
    Captured,
    Journal,
    Reached,
    RunEnded,
    RunStarted,
    Stage,
    StoredJournal,
    read_journal,
)
from chaos.engine.liveness import is_alive
from chaos.engine.undo import Undo
from chaos.measure.run import Ending
from chaos.model.problems import InvalidInput, Problem

TICK = 0.1
"""Seconds between two steps."""


@dataclass(frozen=True)
class OpenFault:
    """A fault that was injected, as far as the journal tells, and not put back."""

    name: str
    captured: Captured | None
    """All that its undo needs; None where that line of the journal is damaged."""


@dataclass(frozen=True)
class UnfinishedRun:
    """A run whose journal does not say that all is well."""

    directory: Path
    started: RunStarted
    open_faults: tuple[OpenFault, ...]
    """In the order in which they were injected."""


@dataclass(frozen=True)
class StillBroken:
    """What could not be put back, and how to do it by hand."""

    name: str
    why: str
    commands: tuple[str, ...] = ()
    """For a shell."""


def unfinished_runs(reports: Path) -> Iterator[UnfinishedRun]:
    """All runs below `reports` that were cut off and are not alive, the oldest first."""
    directories = sorted(reports.iterdir()) if reports.is_dir() else []
    for directory in directories:
        if directory.is_symlink() or not directory.is_dir() or is_alive(directory):
            continue
        try:
            found = read_unfinished(directory)
        except InvalidInput:
            continue  # not a run, or one that ended before its first line
        if found is not None:
            yield found


def read_unfinished(directory: Path) -> UnfinishedRun | None:
    """What is open of one run; None where it ended and everything is back.

    Raises:
        InvalidInput: there is no journal, or it cannot tell which run it is of.
    """
    try:
        journal = read_journal(directory)
    except OSError as error:
        raise InvalidInput(Problem("no run here: it has no journal", directory)) from error
    started = next((r for r in journal.records if isinstance(r, RunStarted)), None)
    if started is None:
        raise InvalidInput(Problem("the journal does not say which run it is of", directory))
    ended = any(
        isinstance(r, RunEnded) and r.ending is not Ending.ROLLBACK_INCOMPLETE
        for r in journal.records
    )
    return None if ended else UnfinishedRun(directory, started, tuple(open_faults(journal)))


def open_faults(journal: StoredJournal) -> Iterator[OpenFault]:
    """Faults that may have been injected and are not known to be back."""
    captured = {r.name: r for r in journal.records if isinstance(r, Captured)}
    stages: dict[str, set[Stage]] = {}
    for record in journal.records:
        if isinstance(record, Reached):
            stages.setdefault(record.name, set()).add(record.stage)
    for name, reached in stages.items():
        if Stage.REVERT_CONFIRMED not in reached:
            yield OpenFault(name, captured.get(name))


def recover(
    faults: Sequence[OpenFault], clients: ClientFactory, journal: Journal, clock: Clock
) -> list[StillBroken]:
    """Put back what is open, the last injected first; what could not be, and why.

    Idempotent: what is back already is only verified.
    """
    broken: list[StillBroken] = []
    undos: list[Undo] = []
    for fault in reversed(faults):
        try:
            undo = _undo_of(fault, clients, journal, clock)
        except _CannotTell as error:
            broken.append(StillBroken(fault.name, str(error)))
        else:
            undos += [undo] if undo else []
    while not all(undo.over for undo in undos):
        for undo in undos:
            undo.step()
        clock.sleep(TICK)
    return broken + [_by_hand(undo) for undo in undos if undo.still_broken]


class _CannotTell(Exception):
    """The journal or the registry does not say how to undo a fault."""


def _undo_of(
    fault: OpenFault, clients: ClientFactory, journal: Journal, clock: Clock
) -> Undo | None:
    """The undo of a fault; None where its action needs none."""
    if fault.captured is None:
        raise _CannotTell("the line of the journal with its captured state is damaged")
    kind = Registry().find_action(fault.captured.action)
    if kind is None:
        raise _CannotTell(f"the action {fault.captured.action} is not installed here")
    try:
        action: Any = kind(clients, fault.captured.parameters)
        state = kind.State.model_validate(fault.captured.state)
    except ValidationError as error:
        raise _CannotTell(f"its captured state is of another version: {error}") from error
    if not isinstance(action, Revertible):
        return None
    return Undo(fault.name, action, state, journal, clock)


def _by_hand(undo: Undo) -> StillBroken:
    commands = tuple(call.as_command for call in undo.action.revert_calls(undo.state))
    return StillBroken(undo.name, undo.still_broken, commands)

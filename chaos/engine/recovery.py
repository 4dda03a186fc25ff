"""After a crash: what a journal says is still open, and putting it back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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


class LostTrack(InvalidInput):
    """A journal that tells of faults, but is damaged where it says which run it is of."""


@dataclass(frozen=True)
class OpenFault:
    """A fault that was injected, as far as the journal tells, and not put back."""

    name: str
    captured: Captured | None
    """All that its undo needs; None where the journal is damaged there."""
    confirmed: bool = False
    """Whether AWS had shown its effect."""


@dataclass(frozen=True)
class UnfinishedRun:
    """A run whose journal does not say that all is well."""

    directory: Path
    started: RunStarted
    open_faults: tuple[OpenFault, ...]
    """In the order in which they were injected."""
    begun: frozenset[str]
    """Names of all faults it came to: also those that are back, or never were, may be armed."""


@dataclass(frozen=True)
class StillBroken:
    """What could not be put back, and how to do it by hand."""

    name: str
    why: str
    commands: tuple[str, ...] = ()
    """For a shell."""


def unfinished_runs(reports: Path) -> Iterator[UnfinishedRun]:
    """All runs below `reports` that were cut off and are not alive, the oldest first."""
    for directory in _dead_runs(reports):
        try:
            found = read_unfinished(directory)
        except InvalidInput:
            continue  # not a run, or one that ended before its first line, or a lost one
        if found is not None:
            yield found


def lost_runs(reports: Path) -> Iterator[LostTrack]:
    """What is known of runs that cannot be recovered, for their beginning is damaged."""
    for directory in _dead_runs(reports):
        try:
            read_unfinished(directory)
        except LostTrack as lost:
            yield lost
        except InvalidInput:
            continue


def _dead_runs(reports: Path) -> Iterator[Path]:
    for directory in sorted(reports.iterdir()) if reports.is_dir() else []:
        if directory.is_dir() and not directory.is_symlink() and not is_alive(directory):
            yield directory


def read_unfinished(directory: Path) -> UnfinishedRun | None:
    """What is open of one run; None where it ended and everything is back.

    Raises:
        LostTrack: the journal cannot tell which run it is of, and tells of faults.
        InvalidInput: there is no journal, or nothing in it.
    """
    try:
        journal = read_journal(directory)
    except OSError as error:
        raise InvalidInput(Problem("no run here: it has no journal", directory)) from error
    started = next((r for r in journal.records if isinstance(r, RunStarted)), None)
    if started is None:
        raise _no_run(journal, directory)
    ended = any(
        isinstance(r, RunEnded) and r.ending is not Ending.ROLLBACK_INCOMPLETE
        for r in journal.records
    )
    if ended:
        return None
    begun = frozenset(r.name for r in journal.records if isinstance(r, Captured | Reached))
    return UnfinishedRun(directory, started, tuple(open_faults(journal)), begun)


def _no_run(journal: StoredJournal, directory: Path) -> InvalidInput:
    said = "the journal does not say which run it is of"
    named = sorted({r.name for r in journal.records if isinstance(r, Captured | Reached)})
    if not (named or journal.damaged):
        return InvalidInput(Problem(said, directory))
    faults = f"; it tells of {', '.join(named)}" if named else ""
    lines = ", ".join(map(str, journal.damaged)) or "none"
    return LostTrack(Problem(f"{said} (damaged lines: {lines}){faults}", directory))


def open_faults(journal: StoredJournal) -> Iterator[OpenFault]:
    """Faults that may have been injected and are not known to be back.

    Where lines are damaged, one of them may have said that a fault is injected; and two records may
    be all that was said of a fault.
    """
    captured = {r.name: r for r in journal.records if isinstance(r, Captured)}
    stages: dict[str, set[Stage]] = {}
    for record in journal.records:
        if isinstance(record, Captured | Reached):
            stages.setdefault(record.name, set())
        if isinstance(record, Reached):
            stages[record.name].add(record.stage)
    for name, reached in stages.items():
        if Stage.REVERT_CONFIRMED not in reached and (reached or journal.damaged):
            yield OpenFault(name, captured.get(name), Stage.INJECT_CONFIRMED in reached)
    if journal.missing > 1:
        yield from (OpenFault(name, None) for name in _unheard_of(journal, stages))


def _unheard_of(journal: StoredJournal, known: Collection[str]) -> Iterator[str]:
    """The actions of the experiment that no line tells of; a part is named after its whole."""
    whole = {name.partition("/")[0] for name in known} | set(known)
    for record in journal.records:
        if isinstance(record, RunStarted):
            yield from (name for name in record.experiment.actions if name not in whole)


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


def commands_by_hand(fault: OpenFault, clients: ClientFactory) -> tuple[str, ...]:
    """What undoes a fault, for a shell; empty where nobody can tell, or nothing is to be done."""
    try:
        action, state = _action_of(fault, clients)
    except _CannotTell:
        return ()
    calls = action.revert_calls(state) if isinstance(action, Revertible) else []
    return tuple(call.as_command for call in calls)


class _CannotTell(Exception):
    """The journal or the registry does not say how to undo a fault."""


def _undo_of(
    fault: OpenFault, clients: ClientFactory, journal: Journal, clock: Clock
) -> Undo | None:
    """The undo of a fault; None where its action needs none."""
    action, state = _action_of(fault, clients)
    if not isinstance(action, Revertible):
        return None
    return Undo(fault.name, action, state, journal, clock, fault.confirmed)


def _action_of(fault: OpenFault, clients: ClientFactory) -> tuple[Any, Any]:
    """The action that has injected a fault, and the state it captured."""
    if fault.captured is None:
        raise _CannotTell("the journal is damaged where its captured state stood")
    kind = Registry().find_action(fault.captured.action)
    if kind is None:
        raise _CannotTell(f"the action {fault.captured.action} is not installed here")
    try:
        state = kind.State.model_validate(fault.captured.state)
        return kind(clients, fault.captured.parameters), state
    except ValidationError as error:
        raise _CannotTell(f"its captured state is of another version: {error}") from error


def _by_hand(undo: Undo) -> StillBroken:
    commands = tuple(call.as_command for call in undo.action.revert_calls(undo.state))
    return StillBroken(undo.name, undo.still_broken, commands)

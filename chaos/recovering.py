"""Recovering a run in the environment it ran in: what the command line and the scheduler share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from chaos.aws.shared_store import StoreFailed
from chaos.engine.clock import SystemClock
from chaos.engine.dead_mans_switch import safeguard_of
from chaos.engine.environment import OpenEnvironment
from chaos.engine.journal import FILE_NAME, Journal, RunEnded, RunStarted
from chaos.engine.liveness import alive
from chaos.engine.lock import Note
from chaos.engine.mirror import Mirror, open_journal, place_of
from chaos.engine.recovery import StillBroken, UnfinishedRun, read_unfinished, recover
from chaos.engine.stored_run import read_run
from chaos.environments import open_existing
from chaos.measure.run import Ending
from chaos.model.environment import Settings
from chaos.model.problems import EnvironmentUnusable, InvalidInput, Problem
from chaos.report.conclude import conclude
from chaos.report.write import write_report


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recovery went."""

    text: str
    still_broken: tuple[StillBroken, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the user should know besides, a line each."""


def recover_run(unfinished: UnfinishedRun, settings: Settings) -> Outcome:
    """Put back what is open, verify it, say so in the journal, and make the report again.

    Where the environment has copies of journals, what another machine has put back counts.

    Raises:
        EnvironmentUnusable: AWS does not answer, or it is another account than the run's.
        Refused: the run is alive, or being recovered, on another machine.
    """
    environment = open_existing(unfinished.started.environment, settings)
    clock, warnings = SystemClock(), list[str]()
    with alive(unfinished.directory), ExitStack() as stack:
        mirror = _join_mirror(stack, unfinished, environment, clock, warnings)
        newest = read_unfinished(unfinished.directory)
        if newest is not None:
            journal = stack.enter_context(open_journal(unfinished.directory, mirror))
            outcome = _end(newest, environment, journal, clock)
        else:
            outcome = Outcome("another machine has put everything back and verified it")
            warnings += filter(None, [mirror.forget() if mirror else ""])
    stored = read_run(unfinished.directory)
    write_report(conclude(stored.experiment, stored.run), unfinished.directory)
    return replace(outcome, warnings=tuple(warnings))


def bring_down_runs(name: str, settings: Settings, reports: Path) -> Iterator[str]:
    """Have the journals here of an environment's open runs that are known to their copies only.

    Yields a line for each run that is left alone, and why.

    Raises:
        EnvironmentUnusable: the copies cannot be read.
        InvalidInput: there is no such environment, or it keeps no copies.
    """
    environment = open_existing(name, settings)
    place = place_of(environment) if environment else None
    if place is None:
        raise InvalidInput(Problem(f"environment {name} has no journal_mirror to recover from"))
    for run_id in place.open_runs():
        holder = place.alive(run_id, SystemClock()).holder()
        if holder is not None:
            yield f"run {run_id} is alive ({holder.by}): it is left alone"
        elif not (reports / run_id / FILE_NAME).exists():
            place.bring_down(run_id, reports / run_id)


def _join_mirror(
    stack: ExitStack,
    unfinished: UnfinishedRun,
    environment: OpenEnvironment | None,
    clock: SystemClock,
    warnings: list[str],
) -> Mirror | None:
    """Have the copy's news, and the right to go on with it; None where there is none to reach."""
    place = place_of(environment) if environment else None
    if place is None:
        return None
    run_id = unfinished.started.run_id
    mirror = Mirror(place, run_id, clock, warnings.append)
    try:
        stack.enter_context(mirror.alive(Note.now(clock.now(), run_id)))
        place.bring_down(run_id, unfinished.directory)
    except StoreFailed as error:
        warnings.append(f"the copy of the journal cannot be used: {error}")
        return None
    return mirror


def _end(
    unfinished: UnfinishedRun,
    environment: OpenEnvironment | None,
    journal: Journal,
    clock: SystemClock,
) -> Outcome:
    if _is_gone(unfinished.started, environment):
        outcome = Outcome("the lab it ran in is gone, and with it all that was broken")
    else:
        outcome = _put_back(unfinished, environment, journal, clock)
    ending = Ending.ROLLBACK_INCOMPLETE if outcome.still_broken else Ending.ABORTED
    reason = f"the runner was ended before it could finish; {outcome.text}"
    journal.write(RunEnded(at=clock.now(), ending=ending, reason=reason))
    return outcome


def _is_gone(started: RunStarted, environment: OpenEnvironment | None) -> bool:
    """Whether the run was in a lab that no longer exists."""
    if started.endpoint_url is None:
        return False
    return environment is None or environment.endpoint_url != started.endpoint_url


def _put_back(
    unfinished: UnfinishedRun,
    environment: OpenEnvironment | None,
    journal: Journal,
    clock: SystemClock,
) -> Outcome:
    if not unfinished.begun:
        return Outcome("nothing was left broken")
    if environment is None or environment.clients is None:
        name = unfinished.started.environment
        raise EnvironmentUnusable(
            f"the run's environment {name} has no AWS to put anything back in"
        )
    if environment.account != unfinished.started.account:
        raise EnvironmentUnusable(
            f"the run was in account {unfinished.started.account}; "
            f"the credentials belong to {environment.account}"
        )
    broken = recover(unfinished.open_faults, environment.clients, journal, clock)
    safeguard = safeguard_of(environment, unfinished.started.run_id)
    for name in unfinished.begun - {one.name for one in broken}:
        safeguard.disarm(name)
    if not unfinished.open_faults:
        return Outcome("nothing was left broken")
    text = f"{len(broken)} still broken" if broken else "everything is put back and verified"
    return Outcome(text, tuple(broken))

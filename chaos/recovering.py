"""Recovering a run in the environment it ran in: what the command line and the scheduler share."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from chaos.engine.clock import SystemClock
from chaos.engine.dead_mans_switch import safeguard_of
from chaos.engine.environment import OpenEnvironment
from chaos.engine.journal import FileJournal, RunEnded, RunStarted
from chaos.engine.liveness import alive
from chaos.engine.recovery import StillBroken, UnfinishedRun, recover
from chaos.engine.stored_run import read_run
from chaos.environments import open_existing
from chaos.measure.run import Ending
from chaos.model.environment import Settings
from chaos.model.problems import EnvironmentUnusable
from chaos.report.conclude import conclude
from chaos.report.write import write_report


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recovery went."""

    text: str
    still_broken: tuple[StillBroken, ...] = ()


def recover_run(unfinished: UnfinishedRun, settings: Settings) -> Outcome:
    """Put back what is open, verify it, say so in the journal, and make the report again.

    Raises:
        EnvironmentUnusable: AWS does not answer, or it is another account than the run's.
    """
    environment = open_existing(unfinished.started.environment, settings)
    with alive(unfinished.directory), closing(FileJournal(unfinished.directory)) as journal:
        clock = SystemClock()
        if _is_gone(unfinished.started, environment):
            outcome = Outcome("the lab it ran in is gone, and with it all that was broken")
        else:
            outcome = _put_back(unfinished, environment, journal, clock)
        ending = Ending.ROLLBACK_INCOMPLETE if outcome.still_broken else Ending.ABORTED
        reason = f"the runner was ended before it could finish; {outcome.text}"
        journal.write(RunEnded(at=clock.now(), ending=ending, reason=reason))
    stored = read_run(unfinished.directory)
    write_report(conclude(stored.experiment, stored.run), unfinished.directory)
    return outcome


def _is_gone(started: RunStarted, environment: OpenEnvironment | None) -> bool:
    """Whether the run was in a lab that no longer exists."""
    if started.endpoint_url is None:
        return False
    return environment is None or environment.endpoint_url != started.endpoint_url


def _put_back(
    unfinished: UnfinishedRun,
    environment: OpenEnvironment | None,
    journal: FileJournal,
    clock: SystemClock,
) -> Outcome:
    if not unfinished.open_faults:
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
    for fault in unfinished.open_faults:
        if fault.name not in {one.name for one in broken}:
            safeguard.disarm(fault.name)
    text = f"{len(broken)} still broken" if broken else "everything is put back and verified"
    return Outcome(text, tuple(broken))

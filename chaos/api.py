"""Running an experiment from Python: what the command line and the pytest plugin share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.engine.clock import SystemClock
from chaos.engine.dead_mans_switch import safeguard_of
from chaos.engine.environment import OpenEnvironment
from chaos.engine.journal import FileJournal
from chaos.engine.liveness import alive
from chaos.engine.lock import LocalLock, Note
from chaos.engine.observer import Observer
from chaos.engine.plan import Plan, make_plan
from chaos.engine.plan_document import PlanDocument, document_of, drift
from chaos.engine.refusals import refuse_unsafe
from chaos.engine.run_directory import make_run_directory, point_latest_at
from chaos.engine.runner import Interruption, Runner, RunParts
from chaos.engine.stored_run import read_run
from chaos.load.driver import LoadDriver, LocustDriver
from chaos.load.settings import LoadSettings
from chaos.model.loading import LoadedExperiment
from chaos.model.problems import ChaosError, Refused
from chaos.report.conclude import conclude
from chaos.report.result import Result
from chaos.report.write import write_report


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a caller may choose besides the experiment."""

    reports: Path = Path("reports")
    seed: int | None = None
    """Instead of the experiment's own; without either, drawn and recorded."""
    load_workers: int | None = None
    """Instead of the experiment's own."""
    saved_plan: PlanDocument | None = None
    """Run exactly this, or refuse."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A result and where it was written."""

    result: Result
    directory: Path


class Controls:
    """The clock of a run and the way to interrupt it from a signal's handler."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.interruption = Interruption()

    def interrupt(self, reason: str) -> None:
        """End the run at its next step; everything is put back."""
        self.interruption.reason = reason
        self.clock.wake()


def plan_experiment(
    loaded: LoadedExperiment, environment: OpenEnvironment, seed: int | None = None
) -> Plan:
    """Resolve what the experiment would do there; reads AWS, changes nothing.

    Raises:
        Refused: it would hit nothing, too much, or what is protected.
    """
    chosen = next((s for s in (seed, loaded.experiment.seed) if s is not None), None)
    drawn = random.randrange(2**31) if chosen is None else chosen
    plan = make_plan(loaded.experiment, environment, drawn)
    refuse_unsafe(plan.actions, plan.experiment, environment)
    return plan


def run_experiment(
    loaded: LoadedExperiment,
    environment: OpenEnvironment,
    observer: Observer,
    options: RunOptions,
    controls: Controls,
) -> FinishedRun:
    """Plan, run, judge and write the report.

    Raises:
        Refused: the run would do nothing, or too much.
        EnvironmentUnusable: the report's directory cannot be written.
    """
    now = controls.clock.now()
    directory = make_run_directory(options.reports, loaded.file, now)
    lock = LocalLock(environment.identity)
    with _removed_if_refused(directory), lock.held(Note.now(now, directory.name)):
        plan = plan_experiment(loaded, environment, options.seed)
        _refuse_drift(plan, loaded.file, options.saved_plan)
        with alive(directory), closing(FileJournal(directory)) as journal:
            parts = RunParts(
                run_id=directory.name,
                file=loaded.file,
                directory=directory,
                journal=journal,
                clock=controls.clock,
                observer=observer,
                load=_load_driver(loaded, plan, options, directory),
                safeguard=safeguard_of(environment, directory.name),
                interruption=controls.interruption,
                stop_requested=lock.stop_requested,
            )
            Runner(plan, parts).run()
    stored = read_run(directory)
    result = conclude(stored.experiment, stored.run)
    write_report(result, directory)
    point_latest_at(directory)
    return FinishedRun(result, directory)


def _refuse_drift(plan: Plan, file: Path, saved: PlanDocument | None) -> None:
    changed = list(drift(saved, document_of(plan, file))) if saved else []
    if changed:
        listed = "\n  ".join(changed)
        raise Refused(f"the world has changed since the plan was saved:\n  {listed}")


@contextmanager
def _removed_if_refused(directory: Path) -> Iterator[None]:
    """A run that may not begin leaves no directory behind."""
    try:
        yield
    except ChaosError:
        if not any(directory.iterdir()):
            directory.rmdir()
        raise


def _load_driver(
    loaded: LoadedExperiment, plan: Plan, options: RunOptions, directory: Path
) -> LoadDriver | None:
    load, host = loaded.experiment.load, plan.environment.host
    if load is None or loaded.locustfile is None or host is None:
        return None
    workers = load.workers if options.load_workers is None else options.load_workers
    settings = LoadSettings(
        locustfile=loaded.locustfile,
        host=host,
        rate=loaded.rate,
        spacing=load.arrivals,
        seed=plan.seed,
        users=load.users,
        spawn_rate=load.spawn_rate,
        timeout=load.timeout,
        served_by=load.served_by,
        processes=load.processes,
        workers=workers,
    )
    return LocustDriver(settings, directory)

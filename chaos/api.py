"""Running an experiment from Python: what the command line and the pytest plugin share."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from chaos.engine.clock import SystemClock
from chaos.engine.dead_mans_switch import safeguard_of
from chaos.engine.environment import OpenEnvironment
from chaos.engine.journal import AnyRecord
from chaos.engine.liveness import alive
from chaos.engine.lock import Note
from chaos.engine.mirror import Mirror, mirror_of, open_journal
from chaos.engine.observer import Observer
from chaos.engine.plan import Plan, make_plan
from chaos.engine.plan_document import PlanDocument, document_of, drift
from chaos.engine.preflight import require_permissions
from chaos.engine.refusals import refuse_unsafe
from chaos.engine.run_directory import make_run_directory, point_latest_at
from chaos.engine.runner import Interruption, Runner, RunParts
from chaos.engine.shared_lock import lock_of
from chaos.engine.stored_run import read_run
from chaos.engine.turn import Patience, in_turn
from chaos.load.driver import LoadDriver, LocustDriver
from chaos.load.settings import LoadSettings
from chaos.model.loading import LoadedExperiment
from chaos.model.problems import ChaosError, Refused
from chaos.report.conclude import conclude
from chaos.report.result import Result
from chaos.report.write import RenderError, write_report
from chaos.slo.verdict import SloResult, Verdict


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
    wait: float = 0.0
    """Seconds to wait for another run in the environment to end, before this one is refused."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A result and where it was written."""

    result: Result
    directory: Path
    unwritten: str = ""
    """Why the report is not whole, where it is not."""

    @property
    def verdict(self) -> Verdict:
        """Of the whole run."""
        return self.result.verdict

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.directory / "report.html"

    def slo(self, name: str) -> SloResult:
        """The objective of that name, judged: `availability`, `latency p99`.

        Raises:
            KeyError: there is none.
        """
        return {slo.name: slo for slo in self.result.slos}[name]


class Controls:
    """The clock of a run, and the way into it from a signal's handler or another thread."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.interruption = Interruption()
        self.directory = Path()
        """Where the run is written, once it is about to begin."""

    def interrupt(self, reason: str) -> None:
        """End the run at its next step; everything is put back."""
        self.interruption.reason = reason
        self.clock.wake()

    def end_faults(self) -> None:
        """Undo the faults now, as at the end of their time; the run goes on from there."""
        self.interruption.faults_over = True
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
        Refused: the run would do nothing, or too much; or another is going on (EnvironmentTaken).
        EnvironmentUnusable: the report's directory cannot be written.
    """
    now = controls.clock.now()
    directory = make_run_directory(options.reports, loaded.file, now)
    warnings: deque[str] = deque()
    lock = lock_of(environment, controls.clock, warnings.append)
    mirror = mirror_of(environment, directory.name, controls.clock, warnings.append)
    patience = Patience(options.wait, controls.clock, controls.interruption, observer)
    holder = Note.now(now, directory.name)
    with _removed_if_refused(directory), in_turn(lock, holder, patience):
        plan = plan_experiment(loaded, environment, options.seed)
        _refuse_drift(plan, loaded.file, options.saved_plan)
        warnings.extend(filter(None, [require_permissions(plan)]))
        controls.directory = directory
        with (
            mirror.alive(holder) if mirror else nullcontext(),
            alive(directory),
            open_journal(directory, mirror) as journal,
        ):
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
                stop_requested=lambda: lock.stop_requested() or _taken_over(mirror),
                warnings=warnings,
            )
            runner = Runner(plan, parts)
            runner.run()
    return _concluded(directory, runner.unwritten)


def _concluded(directory: Path, unwritten: Sequence[AnyRecord]) -> FinishedRun:
    """Judge, and write the report; a full disk costs the report, and hides nothing."""
    stored = read_run(directory, unwritten)
    result = conclude(stored.experiment, stored.run)
    try:
        write_report(result, directory)
        point_latest_at(directory)
    except (OSError, RenderError) as error:
        return FinishedRun(result, directory, unwritten=str(error))
    return FinishedRun(result, directory)


def _taken_over(mirror: Mirror | None) -> str | None:
    return mirror.stop_requested() if mirror else None


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

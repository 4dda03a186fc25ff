"""The run: load on, steady state, phases, faults, and every way out through the same door."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos.engine.clock import Clock
from chaos.engine.dead_mans_switch import NoSafeguard, Safeguard
from chaos.engine.fault import InjectionFailed
from chaos.engine.journal import (
    AnyRecord,
    Journal,
    Noted,
    PhasesEnded,
    PhaseStarted,
    RunEnded,
    RunStarted,
    SteadyState,
    announces_a_change,
)
from chaos.engine.load_feed import LoadFeed
from chaos.engine.observer import Observer, Status
from chaos.engine.plan import Plan
from chaos.engine.readiness import (
    AlreadySick,
    NotSteady,
    observe_all,
    require_healthy_baseline,
    require_steady_state,
)
from chaos.engine.sampler import Sampler
from chaos.engine.stop_conditions import StopConditions
from chaos.engine.stored_run import event_of
from chaos.engine.timeline import Timeline
from chaos.load.driver import LoadDriver, LoadFailed
from chaos.measure.recording import Slice
from chaos.measure.run import Ending, Event, PhaseName, PhaseSpan, Run
from chaos.probes.observation import Observation, Surroundings

TICK = 0.1
"""Seconds between two looks at everything."""

LEAD = 0.2
"""Seconds, at least, between telling the load when to begin and that moment.

It begins on a whole second, and so do the phases whose length is declared: a second of load then
lies in one phase.
"""

NEWS_AT = 0.3
"""Seconds after each whole second of the next look at the stop conditions and the truth.

By then the load has told of that second.
"""


class Aborted(Exception):
    """The run is to end now; the message says why."""


@dataclass(slots=True)
class Interruption:
    """Set from outside, by a signal's handler or another thread, to end the run."""

    reason: str | None = None
    """Why the run is to be aborted."""
    faults_over: bool = False
    """Whether the fault phase has lasted long enough: what is open is undone, as at its end."""


@dataclass(frozen=True)
class RunParts:
    """All that a run needs besides its plan."""

    run_id: str
    file: Path
    """The experiment's file, for the record."""
    directory: Path
    """Where the run is written; exists."""
    journal: Journal
    clock: Clock
    observer: Observer
    load: LoadDriver | None
    """None where the experiment has no load."""
    safeguard: Safeguard = field(default_factory=NoSafeguard)
    interruption: Interruption = field(default_factory=Interruption)
    stop_requested: Callable[[], str | None] = lambda: None
    """Why someone elsewhere wants the run to end; asked every second."""
    warnings: deque[str] = field(default_factory=deque)
    """What goes on beside the run and the user should know; taken out as it is told."""


class Runner:
    """Runs one plan, once."""

    def __init__(self, plan: Plan, parts: RunParts) -> None:
        self.plan = plan
        self.parts = parts
        self._observer = _HarmlessObserver(parts.observer)
        self._log = _JournalWithObserver(parts.journal, self._observer)
        self._timeline = Timeline(plan.actions, self._log, parts.clock, parts.safeguard)
        self._load = LoadFeed(parts.load, parts.directory)
        self._around = Surroundings(plan.environment.host or "", plan.environment.clients)
        self._sampler = Sampler(plan.experiment.probes, self._around, parts.directory)
        self._stops = StopConditions(plan.experiment, plan.environment.clients)
        self._phase: PhaseName | None = None
        self._ends_at: float | None = None
        self._phase_end = 0.0
        """When the phase that is under way ends, as declared, and the next begins."""
        self._measured_since: float | None = None
        self._news_at = 0.0
        self._last_second = Slice()

    def run(self) -> Ending:
        """Run to whatever end it comes to. Whatever that is, what was changed is put back.

        Raises:
            OSError: the journal could not be written before anything was touched.
        """
        ending, reason = Ending.COMPLETED, ""
        self._log.write(self._started())
        try:
            self._prepare()
            self._phases()
        except AlreadySick as error:
            ending, reason = Ending.ALREADY_SICK, str(error)
        except (LoadFailed, NotSteady) as error:
            ending, reason = Ending.UNUSABLE, str(error)
        except (Aborted, InjectionFailed) as error:
            ending, reason = Ending.ABORTED, str(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the way out is the same
            ending, reason = Ending.ABORTED, f"{type(error).__name__}: {error}"
        return self._close(ending, reason)

    def _started(self) -> RunStarted:
        environment = self.plan.environment
        return RunStarted(
            at=self.parts.clock.now(),
            run_id=self.parts.run_id,
            experiment=self.plan.experiment,
            file=str(self.parts.file),
            environment=environment.name,
            account=environment.account,
            region=environment.region,
            endpoint_url=environment.endpoint_url,
            seed=self.plan.seed,
        )

    def _prepare(self) -> None:
        """Everything that can fail without having touched anything."""
        require_steady_state(self._observe_steady_state())
        self._load.launch()
        while not self._load.ready():
            self._tick()
        self._phase_end = math.ceil(self.parts.clock.now() + LEAD)
        self._load.begin(self._phase_end)
        self._sampler.begin(self._phase_end)
        self._sleep_until(self._phase_end)

    def _phases(self) -> None:
        declared = self.plan.experiment.phases
        before = declared.warmup + declared.baseline
        self._ends_at = self._phase_end + before + self.plan.fault_seconds + declared.recovery
        self._wait(PhaseName.WARMUP, declared.warmup)
        self._measured_since = self._phase_end
        self._load.measure_from(self._phase_end)
        self._wait(PhaseName.BASELINE, declared.baseline)
        if self.plan.actions or declared.fault:
            require_steady_state(self._observe_steady_state())
            require_healthy_baseline(self.plan.experiment, self._run_so_far())
            self._fault_phase(declared.fault)
        self._wait(PhaseName.RECOVERY, declared.recovery)
        self._log.write(PhasesEnded(at=self._phase_end))

    def _fault_phase(self, at_least: float) -> None:
        self._begin(PhaseName.FAULT)
        until = self._phase_end + at_least
        self._timeline.start()
        while not self._timeline.finished or self.parts.clock.now() < until:
            if self.parts.interruption.faults_over:
                self._roll_back()
                break
            self._timeline.step()
            self._tick()
        self._phase_end = max(until, self.parts.clock.now())

    def _wait(self, phase: PhaseName, seconds: float) -> None:
        if seconds > 0:
            self._begin(phase)
            self._phase_end += seconds
            self._sleep_until(self._phase_end)

    def _sleep_until(self, moment: float) -> None:
        while self.parts.clock.now() < moment:
            self._tick(at_most=moment - self.parts.clock.now())

    def _begin(self, phase: PhaseName) -> None:
        self._phase = phase
        self._log.write(PhaseStarted(at=self._phase_end, phase=phase))

    def _observe_steady_state(self) -> list[Observation]:
        seen = observe_all(self.plan.experiment.steady_state, self._around)
        for observation in seen:
            self._note("probe", observation.text)
        return seen

    def _run_so_far(self) -> Run:
        now = self.parts.clock.now()
        since = self._measured_since or now
        return Run(
            run_id=self.parts.run_id,
            title=self.plan.experiment.title,
            description="",
            environment=self.plan.environment.name,
            started_at=since,
            ended_at=now,
            ending=Ending.COMPLETED,
            phases=(PhaseSpan(PhaseName.BASELINE, since, self._phase_end),),
            load=self._load.recording,
            probes=self._sampler.so_far(),
            had_load=self.plan.experiment.load is not None,
        )

    def _tick(self, at_most: float = TICK) -> None:
        """Let a moment pass and look at everything.

        Raises:
            Aborted: a stop condition is breached, or someone interrupted.
            LoadFailed: the load died.
        """
        now = self.parts.clock.now()
        if self.parts.interruption.reason:
            raise Aborted(self.parts.interruption.reason)
        self._load.poll()
        self._sampler.collect()
        if now >= self._news_at:
            self._news_at = math.floor(now + 1 - NEWS_AT) + NEWS_AT
            self._look_for_news(now)
        self._show(now)
        self.parts.clock.sleep(min(TICK, max(at_most, 0.0)))

    def _look_for_news(self, now: float) -> None:
        if requested := self.parts.stop_requested():
            raise Aborted(requested)
        self._note_truth()
        self._note_warnings()
        for notice in self._load.notices():
            self._note("load", notice)
        if self._measured_since is None:
            return
        self._last_second = self._load.last_second(now)
        breached = self._stops.breached(self._load, self._sampler.series, self._measured_since, now)
        if breached:
            raise Aborted(f"stop condition breached: {breached}")

    def _note_truth(self) -> None:
        for event in self.plan.environment.truth():
            self._write(Noted(at=event.at, about="truth", text=event.text))

    def _note_warnings(self) -> None:
        while self.parts.warnings:
            self._note("error", self.parts.warnings.popleft())

    def _show(self, now: float) -> None:
        faults = tuple((fault.name, fault.state) for fault in self._timeline.faults)
        self._observer.status(
            Status(now, self._phase, self._ends_at, faults, self._last_second, self._load.measured)
        )

    @property
    def unwritten(self) -> Sequence[AnyRecord]:
        """What happened and should stand in the journal, but could not be written."""
        return self._log.unwritten

    def _close(self, ending: Ending, reason: str) -> Ending:
        """The one way out: undo, end the load, ask whether all is well, say so."""
        if reason:
            self._note("stop", reason)
        self._roll_back()
        broken = self._timeline.still_broken()
        if broken:
            ending, reason = Ending.ROLLBACK_INCOMPLETE, "; ".join(filter(None, [reason, *broken]))
        load_trouble = self._end_load()
        if load_trouble and ending is Ending.COMPLETED:
            ending, reason = Ending.UNUSABLE, load_trouble
        self._quietly(self._note_truth)
        self._note_warnings()
        if ending is Ending.COMPLETED and self.plan.actions and self.plan.experiment.steady_state:
            holds = all(seen.good for seen in self._observe_steady_state())
            self._write(SteadyState(at=self.parts.clock.now(), holds=holds))
        self._write(RunEnded(at=self.parts.clock.now(), ending=ending, reason=reason))
        return ending

    def _end_load(self) -> str:
        if self.plan.experiment.load is not None:
            self._note("load", "waiting for the last answers")
        trouble = self._load.finish(self.parts.clock.now())
        self._quietly(self._sampler.end)
        return trouble

    def _quietly(self, do: Callable[[], None]) -> None:
        """Do what nothing depends on; what goes wrong is only told."""
        try:
            do()
        except Exception as error:  # noqa: BLE001 - the way out goes on
            self._note("error", f"{type(error).__name__}: {error}")

    def _roll_back(self) -> None:
        """Undo all that is open, and go on recording meanwhile."""
        self._timeline.begin_rollback()
        while not self._timeline.step_rollback():
            trouble = self._load.poll_quietly()
            if trouble:
                self._note("error", trouble)
            self._note_warnings()
            self._show(self.parts.clock.now())
            self.parts.clock.sleep(TICK)

    def _note(self, about: str, text: str) -> None:
        self._write(Noted(at=self.parts.clock.now(), about=about, text=text))

    def _write(self, record: AnyRecord) -> None:
        """Write a line that nothing depends on: a full disk must not end or hide a run."""
        try:
            self._log.write(record)
        except OSError as error:
            text = f"the journal could not be written: {error}"
            self._observer.event(Event(self.parts.clock.now(), "error", text))


class _JournalWithObserver:
    """Writes each record down first, and then tells who is watching.

    What happened is told, and remembered, where it cannot be written; what was only about to happen
    does not happen then.
    """

    def __init__(self, journal: Journal, observer: Observer) -> None:
        self.unwritten: list[AnyRecord] = []
        self._journal = journal
        self._observer = observer

    def write(self, record: AnyRecord) -> None:
        try:
            self._journal.write(record)
        except OSError:
            if not announces_a_change(record):
                self.unwritten.append(record)
                self._tell(record)
            raise
        self._tell(record)

    def _tell(self, record: AnyRecord) -> None:
        event = event_of(record)
        if event is not None:
            self._observer.event(event)


class _HarmlessObserver:
    """Whoever watches, and however watching fails (a closed pipe), the run goes on."""

    def __init__(self, observer: Observer) -> None:
        self._observer: Observer | None = observer

    def event(self, event: Event) -> None:
        self._tell(lambda observer: observer.event(event))

    def status(self, status: Status) -> None:
        self._tell(lambda observer: observer.status(status))

    def _tell(self, tell: Callable[[Observer], None]) -> None:
        if self._observer is not None:
            try:
                tell(self._observer)
            except Exception:  # noqa: BLE001 - nobody is left to be told of it
                self._observer = None

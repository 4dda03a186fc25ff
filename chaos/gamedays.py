"""Running game days: the scheduler's room joined with the engine's door and the environments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.actions.registry import Registry
from chaos.api import Controls, FinishedRun, RunOptions, run_experiment
from chaos.engine.environment import OpenEnvironment
from chaos.engine.liveness import alive, is_alive
from chaos.engine.lock import KILL_SWITCH, Note, state_directory
from chaos.engine.observer import Observer, Status
from chaos.engine.recovery import unfinished_runs
from chaos.environments import open_environment
from chaos.exit_codes import ExitCode
from chaos.gameday import approval, message
from chaos.gameday.conduct import Facilitator, Parts, Ran, Unattended, conduct
from chaos.gameday.day import Day, DayStatus, RunStatus
from chaos.gameday.message import Message, Planned
from chaos.gameday.notifications import notify
from chaos.gameday.preconditions import Asking, unmet
from chaos.gameday.selection import Chosen, choose_experiments
from chaos.gameday.store import Store
from chaos.gameday.wall_clock import WallClock
from chaos.gameday.write import HTML, write_day
from chaos.measure.run import Ending, Event
from chaos.model.environment import Settings
from chaos.model.gameday import ExperimentUse
from chaos.model.gameday_loading import LoadedGameDay
from chaos.model.loading import LoadedExperiment, load_experiment
from chaos.model.problems import ChaosError, InvalidInput, Problem
from chaos.probes.observation import Surroundings
from chaos.recovering import recover_run
from chaos.report.headline import headline

Say = Callable[[str], None]
Watch = Callable[[str], AbstractContextManager[Observer]]
"""Shows a run, by its title."""


class Halt:
    """Ends what is going on: the experiment under way, and the day after it."""

    def __init__(self) -> None:
        self.clock = WallClock()
        self.reason: str | None = None
        self._controls: Controls | None = None

    def now(self, reason: str) -> None:
        """End it; may be called from a signal's handler."""
        self.reason = reason
        if self._controls is not None:
            self._controls.interrupt(reason)
        self.clock.wake()

    @contextmanager
    def controls(self) -> Iterator[Controls]:
        """The controls of a run, for as long as it lasts."""
        self._controls = Controls()
        if self.reason:
            self._controls.interrupt(self.reason)
        try:
            yield self._controls
        finally:
            self._controls = None

    def asked_for(self) -> str | None:
        """Why everything is to end now: a signal, or the kill switch."""
        killed = Note.read(state_directory() / KILL_SWITCH)
        return f"the kill switch is on: {killed.as_reason()}" if killed else self.reason


@dataclass(frozen=True)
class GameDays:
    """All that running game days of one place takes."""

    store: Store
    reports: Path
    settings: Settings
    say: Say
    watch: Watch
    halt: Halt = field(default_factory=Halt)
    facilitator: Facilitator = field(default_factory=Unattended)
    lives: ExitStack = field(default_factory=ExitStack)
    """What makes this process seen as alive while it runs a day."""

    def run(self, loaded: LoadedGameDay, day: Day) -> Day:
        """Conduct a day whose right to run has been taken, write its report, and tell people."""
        self.say(f"game day {day.id}: {day.title}")
        parts = Parts(
            store=self.store,
            clock=self.halt.clock,
            open=self._stage,
            title_of=lambda chosen: self.experiment(loaded, chosen).experiment.title,
            facilitator=self.facilitator,
            stopped=self.halt.asked_for,
            announce=lambda one: self._announce_once(loaded, one),
        )
        with self.lives:
            done = conduct(loaded, day, parts)
            self.close(loaded, done)
        return done

    def begin(self, day: Day, now: float) -> bool:
        """Take the right to run it, which is to follow; False where it has been taken."""
        return self.store.begin(day, now, lambda: self.lives.enter_context(self._alive(day)))

    def close_interrupted(self, loaded: LoadedGameDay) -> None:
        """Close its days whose process was ended while they ran, and tell people."""
        for day in self.store.interrupt(self.halt.clock.now(), self.is_alive, [loaded.name]):
            self.close(loaded, self.store.day(day.id) or day)

    def is_alive(self, day: Day) -> bool:
        """Whether some process runs it."""
        return is_alive(self.reports / day.id)

    @contextmanager
    def _alive(self, day: Day) -> Iterator[None]:
        """Be seen as alive; a day without a report leaves no directory behind."""
        directory = self.reports / day.id
        directory.mkdir(parents=True, exist_ok=True)
        with alive(directory):
            yield
        if not any(directory.iterdir()):
            directory.rmdir()

    def close(self, loaded: LoadedGameDay, day: Day) -> None:
        """Write the report of a day that is over, and tell people."""
        runs = self.store.runs(day.id)
        link = self._write(loaded, day) if runs else None
        whole = day.status in {DayStatus.PASSED, DayStatus.FAILED, DayStatus.INCONCLUSIVE}
        self.send(loaded, message.ended(day, runs, link, whole=whole))
        because = f" ({day.reason})" if day.reason else ""
        self.say(f"game day {day.id}: {day.status}{because}")
        if runs:  # once more, for what became of the last message stands in it
            self._write(loaded, day)

    def announce(self, loaded: LoadedGameDay, day: Day) -> None:
        """Tell people of a day to come, with its plan."""
        lacking = approval.lacking(self.store, loaded, day, self.halt.clock.now())
        plan: list[Planned] = []
        try:
            plan = self.plan(loaded, day.id)
        except InvalidInput as error:
            lacking = str(error)
        self.send(loaded, message.before(loaded.gameday, day, plan, lacking))

    def plan(self, loaded: LoadedGameDay, day: str) -> list[Planned]:
        """What would run on that day, in order.

        Raises:
            InvalidInput: with every problem of the experiments.
        """
        read = [self.experiment(loaded, one) for one in choose_experiments(loaded, day)]
        return [
            Planned(one.experiment.title, tuple(str(slo) for slo in _objectives(one)))
            for one in read
        ]

    def experiment(self, loaded: LoadedGameDay, chosen: Chosen) -> LoadedExperiment:
        """One experiment as it would run.

        Raises:
            InvalidInput: with every problem of its file.
        """
        return _experiment(self.settings, loaded, chosen.use, chosen.file)

    def recover(self) -> None:
        """Put back what runs that were cut off left broken; what cannot be is said."""
        for unfinished in unfinished_runs(self.reports):
            name = unfinished.directory.name
            try:
                self.say(f"{name}: {recover_run(unfinished, self.settings).text}")
            except (ChaosError, OSError) as error:
                self.say(f"{name}: not recovered: {error}")

    def send(self, loaded: LoadedGameDay, said: Message) -> None:
        """Send a message to all channels, and keep what became of it."""
        for delivery in notify(loaded.gameday.notifications.channels, said, self.halt.clock):
            self.store.keep(delivery)
            if delivery.error:
                self.say(f"{delivery.channel} was not told: {delivery.error}")

    def _write(self, loaded: LoadedGameDay, day: Day) -> str | None:
        """Where the report can be read; None where it could not be written."""
        try:
            page = write_day(self.store, loaded, day, self.reports) / HTML
        except OSError as error:
            self.say(f"the report of {day.id} could not be written: {error}")
            return None
        published = loaded.gameday.notifications.report_url
        return published.replace("${id}", day.id) if published else str(page)

    def _announce_once(self, loaded: LoadedGameDay, day: Day) -> None:
        known = self.store.day(day.id)
        if known is None or known.announced_at is None:
            self.announce(loaded, day)

    @contextmanager
    def _stage(self, loaded: LoadedGameDay) -> Iterator[_OpenStage]:
        name = loaded.gameday.environment
        declared = self.settings.environment(name)
        with open_environment(name, declared, self.settings, self.say) as environment:
            yield _OpenStage(self, loaded, environment)


@dataclass(frozen=True)
class _OpenStage:
    """A game day's environment, open."""

    gamedays: GameDays
    loaded: LoadedGameDay
    environment: OpenEnvironment

    def unmet(self) -> Sequence[str]:
        """See `Stage`."""
        gameday = self.loaded.gameday
        plan: dict[str, Any] = {
            "title": gameday.title,
            "environment": gameday.environment,
            "experiments": [file.name for file in self.loaded.experiments],
        }
        around = Surroundings(self.environment.host or "", self.environment.clients)
        now = self.gamedays.halt.clock.now()
        return list(unmet(gameday, Asking(around, plan, now)))

    def run(self, chosen: Chosen, begun: Callable[[str], None]) -> Ran:
        """See `Stage`."""
        days = self.gamedays
        experiment = days.experiment(self.loaded, chosen)
        options = RunOptions(days.reports)
        with days.halt.controls() as controls, days.watch(experiment.experiment.title) as observer:
            noting = _NotingItsName(observer, controls, begun)
            finished = run_experiment(experiment, self.environment, noting, options, controls)
        return Ran(status_of(finished), said_of(finished), finished.directory.name)


@dataclass
class _NotingItsName:
    """Passes on what is seen of a run; says its id as soon as it has begun."""

    inner: Observer
    controls: Controls
    begun: Callable[[str], None]
    said: bool = False

    def event(self, event: Event) -> None:
        """See `Observer`."""
        run_id = self.controls.directory.name
        if run_id and not self.said:
            self.said = True
            self.begun(run_id)
        self.inner.event(event)

    def status(self, status: Status) -> None:
        """See `Observer`."""
        self.inner.status(status)


def status_of(finished: FinishedRun) -> RunStatus:
    """How a run ended where it did not complete, else its verdict, if its report is whole."""
    by_ending = {
        Ending.ABORTED: RunStatus.ABORTED,
        Ending.ROLLBACK_INCOMPLETE: RunStatus.BROKEN,
        Ending.UNUSABLE: RunStatus.UNUSABLE,
    }
    judged = RunStatus.UNUSABLE if finished.unwritten else RunStatus(finished.verdict.value)
    return by_ending.get(finished.result.run.ending, judged)


def said_of(finished: FinishedRun) -> str:
    """What a run came to, in a line."""
    lacks = f"; its report is not whole: {finished.unwritten}" if finished.unwritten else ""
    return headline(finished.result) + lacks


def exit_code_of(day: Day) -> ExitCode:
    """What a command that ran it ends with."""
    codes = {
        DayStatus.PASSED: ExitCode.PASS,
        DayStatus.FAILED: ExitCode.FAIL,
        DayStatus.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        DayStatus.ABORTED: ExitCode.ABORTED,
        DayStatus.BROKEN: ExitCode.ROLLBACK_INCOMPLETE,
        DayStatus.UNUSABLE: ExitCode.UNUSABLE,
    }
    return codes.get(day.status, ExitCode.USAGE)


def _experiment(
    settings: Settings, loaded: LoadedGameDay, use: ExperimentUse, file: Path
) -> LoadedExperiment:
    """With the variables of the environment, the day and itself; the last one wins."""
    environment = settings.environment(loaded.gameday.environment)
    mine = {**loaded.gameday.variables, **use.variables}
    return load_experiment(file, Registry(), {**environment.variables, **mine})


def check_experiments(settings: Settings, loaded: LoadedGameDay) -> None:
    """Read every experiment as it would run.

    Raises:
        InvalidInput: with every problem of all of them,.
    """
    problems: list[Problem] = []
    for use, file in zip(loaded.gameday.experiments, loaded.experiments, strict=True):
        try:
            _experiment(settings, loaded, use, file)
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidInput(*dict.fromkeys(problems))  # a file may be used twice


def _objectives(loaded: LoadedExperiment) -> list[str]:
    return [f"{slo.name} {slo.objective}" for slo in loaded.experiment.slos]

"""The three seams replaced: a clock that jumps, an EC2 in memory, a load made up as it goes.

With these a whole run takes milliseconds, so schedules, failures and interruptions can be tried by
the thousand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.actions.registry import Registry
from chaos.aws.shared_store import SharedStore
from chaos.engine.environment import OpenEnvironment, OwnPlace
from chaos.engine.journal import AnyRecord, Journal
from chaos.engine.mirror import mirror_of, open_journal
from chaos.engine.observer import Status
from chaos.engine.plan import Plan, make_plan
from chaos.engine.refusals import refuse_unsafe
from chaos.engine.runner import Interruption, Runner, RunParts
from chaos.engine.stored_run import StoredRun, read_run
from chaos.load.driver import LoadDriver, LoadFailed
from chaos.measure.recording import Outcome, Recording
from chaos.measure.run import Event
from chaos.model.environment import Protected
from chaos.model.loading import load_experiment

START = 1_800_000_000.0


class SimulatedClock:
    """Time passes only when someone sleeps."""

    def __init__(self) -> None:
        self.time = START
        self.alarms: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.001)
        for alarm in [a for a in self.alarms if a[0] <= self.time]:
            self.alarms.remove(alarm)
            alarm[1]()

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Call `do` when that much time has passed."""
        self.alarms.append((self.time + seconds, do))


class ApiError(Exception):
    """What the simulated AWS answers when it is told to fail."""


@dataclass
class SimulatedEc2:
    """Instances that take a moment to stop and start."""

    clock: SimulatedClock
    states: dict[str, str] = field(default_factory=dict)
    settle: float = 2.0
    """Seconds that stopping and starting take."""
    failing: dict[str, int] = field(default_factory=dict)
    """How many more calls of an operation fail; the effect of none is had."""
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def client(self, service: str) -> SimulatedEc2:
        assert service == "ec2"
        return self

    def get_paginator(self, operation: str) -> SimulatedEc2:
        assert operation == "describe_instances"
        return self

    def paginate(self, **which: Any) -> Iterator[dict[str, Any]]:
        self._count("describe_instances", ())
        wanted = {f["Name"]: set(f["Values"]) for f in which.get("Filters", ())}
        if "InstanceIds" in which:
            wanted["instance-id"] = set(which["InstanceIds"])
        for name, state in list(self.states.items()):
            if name not in wanted.get("instance-id", {name}):
                continue
            if state not in wanted.get("instance-state-name", {state}):
                continue
            tags = [{"Key": "aws:autoscaling:groupName", "Value": "fleet"}]
            instance = {"InstanceId": name, "State": {"Name": state}, "Tags": tags}
            yield {"Reservations": [{"Instances": [instance]}]}

    def stop_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self._change("stop_instances", InstanceIds, "running", "stopping", "stopped")

    def start_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self._change("start_instances", InstanceIds, "stopped", "pending", "running")

    def terminate_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self._count("terminate_instances", tuple(InstanceIds))
        for name in InstanceIds:
            self.states[name] = "terminated"

    def _change(self, call: str, ids: list[str], source: str, passing: str, final: str) -> None:
        self._count(call, tuple(ids))
        for name in ids:
            if self.states[name] == source:
                self.states[name] = passing
                self.clock.after(self.settle, lambda name=name: self._settle(name, passing, final))  # type: ignore[misc]

    def _settle(self, name: str, passing: str, final: str) -> None:
        if self.states[name] == passing:
            self.states[name] = final

    def _count(self, operation: str, ids: tuple[str, ...]) -> None:
        if self.failing.get(operation, 0) > 0:
            self.failing[operation] -= 1
            raise ApiError(f"{operation} is refused")
        if ids:
            self.calls.append((operation, ids))


class SimulatedLoad(LoadDriver):
    """Ten requests a second; `outcome` says how those due at a time end."""

    def __init__(
        self, clock: SimulatedClock, outcome: Callable[[float], Outcome] = lambda _: Outcome.OK
    ) -> None:
        self.clock = clock
        self.outcome = outcome
        self.dies_at: float | None = None
        self.alive = False
        self._due = 0.0

    def start(self) -> None:
        self.alive = True

    def ready(self) -> bool:
        return True

    def begin(self, at: float) -> None:
        self._due = at

    def poll(self) -> Recording:
        return self._until(self.clock.now())

    def finish(self, at: float) -> Recording:
        return self._until(at)

    def kill(self) -> None:
        self.alive = False

    def _until(self, end: float) -> Recording:
        if self.dies_at is not None and end >= self.dies_at:
            raise LoadFailed("Locust said: no more")
        news = Recording()
        while self._due < end:
            news.record("GET /", self.outcome(self._due), self._due, self._due, self._due + 0.02)
            self._due += 0.1
        return news


@dataclass
class Watcher:
    """Keeps what it is told."""

    events: list[Event] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def status(self, status: Status) -> None:
        self.statuses.append(status)


class Simulation:
    """One run of an experiment with all seams replaced."""

    def __init__(self, directory: Path, experiment: str, instances: int = 6) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "load.py").write_text("")
        self.directory = directory
        self.file = directory / "experiment.yaml"
        self.file.write_text(experiment)
        self.clock = SimulatedClock()
        self.ec2 = SimulatedEc2(self.clock, {f"i-{n}": "running" for n in range(instances)})
        self.load = SimulatedLoad(self.clock)
        self.interruption = Interruption()
        self.protected = Protected()
        self.own_place: OwnPlace | None = None
        self.watcher = Watcher()
        self.on_record: Callable[[AnyRecord], None] = lambda _: None
        self.mirror_store: SharedStore | None = None

    def _before(self, record: AnyRecord) -> None:
        self.on_record(record)

    def run(self) -> StoredRun:
        """Run to the end and read the run back."""
        loaded = load_experiment(self.file, Registry())
        environment = OpenEnvironment(
            "simulated",
            "http://127.0.0.1:1",
            self.ec2,
            protected=self.protected,
            own_place=self.own_place,
            mirror_store=self.mirror_store,
        )
        plan = make_plan(loaded.experiment, environment, seed=1)
        refuse_unsafe(plan.actions, plan.experiment, environment)
        warnings: deque[str] = deque()
        mirror = mirror_of(environment, "simulated", self.clock, warnings.append)
        with open_journal(self.directory, mirror) as journal:
            unwritten = self._run(plan, _Hooked(journal, self._before), warnings)
        return read_run(self.directory, unwritten)

    def _run(self, plan: Plan, journal: Journal, warnings: deque[str]) -> Sequence[AnyRecord]:
        parts = RunParts(
            run_id="simulated",
            file=self.file,
            directory=self.directory,
            journal=journal,
            clock=self.clock,
            observer=self.watcher,
            load=self.load if plan.experiment.load else None,
            interruption=self.interruption,
            warnings=warnings,
        )
        runner = Runner(plan, parts)
        runner.run()
        return runner.unwritten


class _Hooked:
    """A journal that lets a test act, or fail, before a record is written."""

    def __init__(self, journal: Journal, before: Callable[[AnyRecord], None]) -> None:
        self._journal = journal
        self._before = before

    def write(self, record: AnyRecord) -> None:
        self._before(record)
        self._journal.write(record)

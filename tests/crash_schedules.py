"""Runs drawn at random, in a simulated world where everything goes wrong, and what must hold.

A schedule is an experiment, a fleet, an API with troubles, a clock that jumps, a disk that loses
what was not synced, and a power cut before or after any single step, of the run and of its
recovery. The same dice draw the same schedule.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from chaos.engine.environment import OpenEnvironment
from chaos.engine.journal import (
    FILE_NAME,
    AnyRecord,
    Captured,
    FileJournal,
    Reached,
    Stage,
    read_journal,
)
from chaos.engine.plan import make_plan
from chaos.engine.recovery import StillBroken, read_unfinished, recover
from chaos.engine.runner import Interruption, Runner, RunParts
from chaos.engine.stored_run import read_run
from chaos.measure.run import Ending
from chaos.model.experiment import Experiment
from chaos.model.problems import InvalidInput
from tests.simulation import ApiError, SimulatedClock, SimulatedEc2, Watcher

TROUBLES_LAST = 60.0
"""Seconds after which the API is well again: long before an undo gives up."""

DENIED_FOR = 2000.0
"""Seconds of a denial that outlasts the patience of an undo."""

DENIALS = 0.003
"""The share of schedules that have one; they take long."""

POWER_CUTS = 3
"""How often the power may go, counting the first."""


class PowerCut(BaseException):
    """Nothing of the runner runs any more."""


class Trouble(Enum):
    """What can be wrong with one call."""

    NONE = auto()
    REFUSED = auto()
    """Throttled, or access denied: no effect."""
    ANSWER_LOST = auto()
    """The whole effect, and then a time-out."""
    PARTIAL = auto()
    """Some of the effect, and then an error."""


class JumpingClock(SimulatedClock):
    """As the engine's: each process has one of its own, and the machine may fall asleep."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0.0
        self.asleep_at = math.inf
        self.asleep_for = 0.0

    def now(self) -> float:
        return self.time + self.offset

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.time >= self.asleep_at:
            self.asleep_at = math.inf
            super().sleep(self.asleep_for)


@dataclass
class Fuse:
    """The power goes at the n-th step; zero for never."""

    steps_left: int = 0

    def step(self) -> None:
        """Something is done to the world, or has been."""
        self.steps_left -= 1
        if self.steps_left == 0:
            raise PowerCut


@dataclass
class TroubledEc2(SimulatedEc2):
    """Calls that are refused, half done, or done without an answer."""

    fuse: Fuse = field(default_factory=Fuse)
    dice: random.Random = field(default_factory=random.Random)
    odds: float = 0.0
    """Of trouble with a call."""
    late: float = 0.0
    """Seconds until the effect of a call begins to show; AWS is eventually consistent."""
    ill_from: float = 0.0
    well_from: float = 0.0

    def stop_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self._try(super().stop_instances, InstanceIds)

    def start_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self._try(super().start_instances, InstanceIds)

    def terminate_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self._try(super().terminate_instances, InstanceIds)

    def paginate(self, **which: Any) -> Iterator[dict[str, Any]]:
        if self._trouble() is not Trouble.NONE:
            raise ApiError("RequestLimitExceeded")
        yield from super().paginate(**which)

    def _try(self, call: Callable[[list[str]], None], ids: list[str]) -> None:
        self.fuse.step()
        trouble = self._trouble()
        if trouble is Trouble.REFUSED:
            raise ApiError("UnauthorizedOperation")
        hit = ids[: self.dice.randrange(len(ids))] if trouble is Trouble.PARTIAL else ids
        if self.late:
            self.clock.after(self.late, lambda: call(hit))
        else:
            call(hit)
        self.fuse.step()
        if trouble is not Trouble.NONE:
            raise ApiError("timed out")

    def _trouble(self) -> Trouble:
        is_ill = self.ill_from <= self.clock.time < self.well_from
        if not is_ill or self.dice.random() >= self.odds:
            return Trouble.NONE
        if self.odds == 1:
            return Trouble.REFUSED
        return self.dice.choice((Trouble.REFUSED, Trouble.ANSWER_LOST, Trouble.PARTIAL))


class FragileDisk:
    """A journal's file, of which a power cut leaves no more than was synced, and some of the rest.

    It stands in for the kernel's fsync.
    """

    def __init__(self, file: Path, fuse: Fuse, dice: random.Random) -> None:
        self._file = file
        self._fuse = fuse
        self._dice = dice
        self._safe = file.stat().st_size if file.exists() else 0

    def sync(self, descriptor: int) -> None:
        """What was written survives once this has returned."""
        self._fuse.step()
        self._safe = os.fstat(descriptor).st_size
        self._fuse.step()

    def cut_power(self) -> None:
        """Lose what was not synced, or a part of it."""
        if self._file.exists():
            size = self._file.stat().st_size
            os.truncate(self._file, self._dice.randint(min(self._safe, size), size))


class Schedule:
    """One of them, drawn, run, and judged."""

    def __init__(self, dice: random.Random, directory: Path) -> None:
        self._dice = dice
        self._directory = directory
        self._clock = JumpingClock()
        self._fuse = Fuse(dice.randint(1, 60) if dice.random() < 0.9 else 0)
        states = {f"i-{n}": dice.choice(["running"] * 4 + ["stopped"]) for n in range(6)}
        settle = dice.choice((0.0, 0.3, 2.0))
        self.ec2 = TroubledEc2(self._clock, states, settle, fuse=self._fuse, dice=dice)
        self.ec2.late = dice.choice((0.0, 0.0, 0.4, 2.0))
        self.before = dict(states)
        self.experiment = _experiment(dice)
        self.gone: set[str] = set()
        """What someone else terminated meanwhile."""
        self._let_others_meddle()

    def _let_others_meddle(self) -> None:
        dice = self._dice
        if dice.random() < 0.2:
            self._clock.asleep_at = self._clock.time + dice.uniform(0, 12)
            self._clock.asleep_for = dice.choice((1.0, 5.0, 60.0))
        if dice.random() < 0.1:
            victim = dice.choice(sorted(self.before))
            self._clock.after(dice.uniform(0, 12), lambda: self._terminate(victim))

    def _terminate(self, victim: str) -> None:
        self.gone.add(victim)
        self.ec2.states[victim] = "terminated"

    def run(self) -> list[StillBroken]:
        """Run it, recover it after each power cut, and say what could not be put back."""
        environment = OpenEnvironment("simulated", None, self.ec2)
        plan = make_plan(self.experiment, environment, seed=1)
        self._fall_ill()
        with self._fragile() as journal:
            interruption = Interruption()
            if self._dice.random() < 0.3:
                reason = "interrupted"
                self._clock.after(
                    self._dice.uniform(0, 12), lambda: setattr(interruption, "reason", reason)
                )
            parts = RunParts(
                run_id="simulated",
                file=self._directory / "experiment.yaml",
                directory=self._directory,
                journal=journal,
                clock=self._clock,
                observer=Watcher(),
                load=None,
                interruption=interruption,
            )
            Runner(plan, parts).run()
        return self._recover()

    def _fall_ill(self) -> None:
        """Some calls fail from now on, or all of them once the faults are in."""
        now = self._clock.time
        if self._dice.random() < DENIALS:
            self.ec2.odds = 1.0
            self.ec2.ill_from = now + self._dice.uniform(0, 5)
            self.ec2.well_from = self.ec2.ill_from + DENIED_FOR
        else:
            self.ec2.odds = self._dice.choice((0.0, 0.2, 0.6))
            self.ec2.well_from = now + TROUBLES_LAST

    @contextmanager
    def _fragile(self) -> Iterator[FileJournal]:
        disk = FragileDisk(self._directory / FILE_NAME, self._fuse, self._dice)
        try:
            journal = FileJournal(self._directory, disk.sync)
            try:
                yield journal
            finally:
                journal.close()
        except PowerCut:
            disk.cut_power()

    def _recover(self) -> list[StillBroken]:
        broken: list[StillBroken] = []
        for cuts_left in reversed(range(POWER_CUTS)):
            self._fuse.steps_left = self._dice.randint(1, 20) if cuts_left else 0
            self._clock.sleep(self._dice.choice((0.0, 1.0, 100.0)))
            self._clock.offset += self._dice.choice((0.0, 0.0, -3600.0, 3600.0))
            with suppress(InvalidInput), self._fragile() as journal:
                unfinished = read_unfinished(self._directory)
                if unfinished is None:
                    break
                broken = recover(unfinished.open_faults, self.ec2, journal, self._clock)
        if broken and self.ec2.odds == 1:  # said to be broken, so it is tried again in better days
            self.ec2.odds = 0.0
            self._clock.sleep(DENIED_FOR)
            return self._recover()
        return broken

    def judge(self, broken: list[StillBroken]) -> None:
        """The fleet is as it was, but for what others did, and the report says no other."""
        self._clock.sleep(self.ec2.late + 10 * self.ec2.settle + 1)
        terminated = {
            name for call, ids in self.ec2.calls if call == "terminate_instances" for name in ids
        } | self.gone
        for name, state in self.before.items():
            if name not in terminated:
                assert self.ec2.states[name] == state, f"{name} is {self.ec2.states[name]}"
        named = {one.name for one in broken}
        if not (self._directory / FILE_NAME).stat().st_size:
            return
        journal = read_journal(self._directory)
        assert not journal.damaged
        for fault in (record for record in journal.records if isinstance(record, Captured)):
            lost = set(fault.state.get("running", ())) & terminated
            assert fault.name not in named or lost, f"{fault.name} is said to be broken: {broken}"
        self._judge_report(journal.records)

    def _judge_report(self, records: Sequence[AnyRecord]) -> None:
        """Whatever is said to be verified was seen to be so, in this order."""
        stages = [(r.name, r.stage) for r in records if isinstance(r, Reached)]
        for number, (name, stage) in enumerate(stages):
            if stage is Stage.REVERT_CONFIRMED:
                assert (name, Stage.REVERT_CALLED) in stages[:number]
        with suppress(InvalidInput):
            run = read_run(self._directory).run
            for fault in run.faults:
                if fault.verified:
                    assert (fault.name, Stage.REVERT_CONFIRMED) in stages
            assert run.ending is not Ending.COMPLETED or all(
                fault.verified is not False for fault in run.faults
            )


def _experiment(dice: random.Random) -> Experiment:
    """One to three faults that may overlap in time and in what they hit."""
    targets, actions = {}, {}
    for number in range(dice.randint(1, 3)):
        ids = dice.sample([f"i-{n}" for n in range(6)], dice.randint(1, 3))
        targets[f"t{number}"] = {"type": "aws:ec2:instance", "ids": ids}
        ends = dice.random() < 0.1
        use: dict[str, Any] = {"targets": f"t{number}", "at": f"{dice.randint(0, 3)}s"}
        use["action"] = "aws:ec2:terminate-instances" if ends else "aws:ec2:stop-instances"
        if not ends:
            use["duration"] = f"{dice.randint(0, 4)}s"
            use["parameters"] = {"completeIfInstancesTerminated": dice.random() < 0.5}
        actions[f"a{number}"] = use
    return Experiment.model_validate(
        {"title": "Drawn", "targets": targets, "actions": actions, "phases": {}}
    )


def survives(dice: random.Random, directory: Path) -> None:
    """Run the schedule that the dice draw, and judge it.

    Raises:
        AssertionError: something stayed broken, or the journal does not tell the truth.
    """
    schedule = Schedule(dice, directory)
    schedule.judge(schedule.run())

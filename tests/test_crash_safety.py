"""Whatever ends a run, the way back is on disk: crash it anywhere, recover, all is as before."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chaos.engine.journal import FileJournal
from chaos.engine.liveness import alive
from chaos.engine.recovery import StillBroken, read_unfinished, recover, unfinished_runs
from tests.simulation import Simulation

EXPERIMENT = """
title: Two overlapping stops
targets:
  a: {type: aws:ec2:instance, ids: [i-0, i-1]}
  b: {type: aws:ec2:instance, ids: [i-2]}
actions:
  first: {action: aws:ec2:stop-instances, targets: a, duration: 6s}
  second: {action: aws:ec2:stop-instances, targets: b, at: 2s, duration: 6s}
"""


class Crash(BaseException):
    """The runner is gone: nothing of it runs any more."""


class Bomb:
    """Goes off at the n-th thing the runner does to the world: a journal line or an AWS call."""

    def __init__(self, goes_off_at: int) -> None:
        self.left = goes_off_at

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


def crash(directory: Path, step: int, experiment: str = EXPERIMENT) -> Simulation:
    """A run that crashes at that step (or ends, where it has fewer)."""
    simulation = Simulation(directory, experiment)
    bomb = Bomb(step)
    simulation.on_record = lambda _: bomb.tick()
    for call in ("stop_instances", "start_instances"):
        setattr(simulation.ec2, call, around(bomb, getattr(simulation.ec2, call)))
    with suppress(Crash):
        simulation.run()
    for call in ("stop_instances", "start_instances"):
        delattr(simulation.ec2, call)
    return simulation


def around(bomb: Bomb, call: Callable[..., None]) -> Callable[..., None]:
    """The call, with a crash possible before it and after it had its effect."""

    def made(**parameters: object) -> None:
        bomb.tick()
        call(**parameters)
        bomb.tick()

    return made


def recovered(simulation: Simulation) -> list[StillBroken]:
    """What `chaos recover` does, in the simulated world."""
    unfinished = read_unfinished(simulation.directory)
    if unfinished is None:
        return []
    journal = FileJournal(simulation.directory)
    return recover(unfinished.open_faults, simulation.ec2, journal, simulation.clock)


def all_running(simulation: Simulation) -> bool:
    """Whether the fleet is as it was."""
    return set(simulation.ec2.states.values()) == {"running"}


def test_a_crash_at_any_step_can_be_recovered_from(tmp_path: Path) -> None:
    """Before and after every journal line and every call, until the run has no further step."""
    for step in itertools.count(1):
        simulation = crash(tmp_path / str(step), step)
        if step > 1:  # at the first, there is not even a journal
            ended = read_unfinished(simulation.directory) is None
            assert recovered(simulation) == []
        assert all_running(simulation), f"after a crash at step {step}"
        if step > 1 and ended:
            break
    assert step > 20


def test_what_cannot_be_put_back_comes_with_the_commands_to_do_it_by_hand(tmp_path: Path) -> None:
    """As the AWS CLI takes them; the rest is put back."""
    crashed = crash(tmp_path, 12)
    crashed.ec2.states["i-0"] = "terminated"
    broken = recovered(crashed)
    assert "terminated meanwhile by someone else: i-0" in broken[0].why
    assert broken[0].commands[0].startswith("aws ec2 start-instances --cli-input-json ")
    assert crashed.ec2.states["i-1"] == "running"


def test_a_run_that_is_alive_is_left_alone(tmp_path: Path) -> None:
    """Only what was cut off is found."""
    crash(tmp_path / "cut-off", 9)
    crash(tmp_path / "ended", 1000)
    with alive(tmp_path / "cut-off"):
        assert list(unfinished_runs(tmp_path)) == []
    assert [one.directory.name for one in unfinished_runs(tmp_path)] == ["cut-off"]

"""A run: its phases, its faults in time, and that everything is put back on every way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.engine.environment import OwnPlace
from chaos.engine.journal import AnyRecord, Captured, Reached, Stage
from chaos.measure.recording import Outcome
from chaos.measure.run import Ending, Event, PhaseName
from chaos.model.environment import Protected
from chaos.model.problems import Refused
from tests.simulation import START, Simulation

STOP_TWO = """
title: Two stop
load: {locustfile: load.py, rate: 10/s}
phases: {warmup: 2s, baseline: 5s, recovery: 5s}
targets:
  two: {type: aws:ec2:instance, tags: {app: shop}, select: count(2)}
actions:
  stop: {action: aws:ec2:stop-instances, targets: two, at: 1s, duration: 10s}
stop_conditions: [error_rate > 50% for 3s]
"""


def all_running(simulation: Simulation) -> bool:
    """Whether the fleet is as it was."""
    return set(simulation.ec2.states.values()) == {"running"}


def test_a_run_goes_through_its_phases_and_puts_everything_back(tmp_path: Path) -> None:
    """Warm-up, baseline, fault and recovery, each as long as declared."""
    simulation = Simulation(tmp_path, STOP_TWO)
    run = simulation.run().run
    assert run.ending is Ending.COMPLETED
    assert [span.name for span in run.phases] == list(PhaseName)
    lengths = [span.seconds for span in run.phases]
    assert lengths[:2] == pytest.approx([2, 5], abs=0.2)
    assert lengths[3] == pytest.approx(5, abs=0.2)
    fault = run.faults[0]
    assert fault.inject_called_at == pytest.approx(run.phases[2].started_at + 1, abs=0.2)
    assert fault.inject_confirmed_at is not None
    assert fault.revert_called_at == pytest.approx(fault.inject_confirmed_at + 10, abs=0.2)
    assert fault.verified is True
    assert all_running(simulation)
    assert not simulation.load.alive
    assert [call for call, _ in simulation.ec2.calls] == ["stop_instances", "start_instances"]


def test_all_load_is_kept_and_can_be_read_back(tmp_path: Path) -> None:
    """Ten requests a second from the begin to the end of the last phase, none lost."""
    simulation = Simulation(tmp_path, STOP_TWO)
    run = simulation.run().run
    begun, ended = run.phases[0].started_at, run.phases[-1].ended_at
    total = run.load.between(START, ended + 10)
    assert total.planned == pytest.approx((ended - begun) * 10, abs=2)
    assert total.ok == total.planned


def test_the_undo_is_on_disk_before_the_fault_is_injected(tmp_path: Path) -> None:
    """When the first change is made, the journal file already holds the state."""
    simulation = Simulation(tmp_path, STOP_TWO)
    seen: list[str] = []
    original = simulation.ec2.stop_instances

    def stop(InstanceIds: list[str]) -> None:  # noqa: N803
        seen.append((tmp_path / "journal.jsonl").read_text())
        original(InstanceIds)

    simulation.ec2.stop_instances = stop  # type: ignore[method-assign]
    simulation.run()
    assert '"kind":"captured"' in seen[0]
    assert '"running":["i-' in seen[0]


def test_actions_overlap_and_follow_each_other(tmp_path: Path) -> None:
    """`at` counts from the fault phase; `after` waits until another is undone."""
    experiment = """
title: Three
targets:
  a: {type: aws:ec2:instance, ids: i-1}
  b: {type: aws:ec2:instance, ids: i-2}
  c: {type: aws:ec2:instance, ids: i-3}
actions:
  last: {action: aws:ec2:terminate-instances, targets: c, after: [first, second]}
  first: {action: aws:ec2:stop-instances, targets: a, duration: 10s}
  second: {action: aws:ec2:stop-instances, targets: b, at: 3s, duration: 10s}
"""
    simulation = Simulation(tmp_path, experiment)
    run = simulation.run().run
    faults = {fault.name: fault for fault in run.faults}
    first, second, last = faults["first"], faults["second"], faults["last"]
    assert first.inject_called_at is not None
    assert second.inject_called_at == pytest.approx(first.inject_called_at + 3, abs=0.2)
    assert (second.inject_called_at or 1e12) < (first.revert_called_at or 0)
    assert second.revert_confirmed_at is not None
    assert (last.inject_called_at or 0) >= second.revert_confirmed_at
    assert last.verified is None
    assert simulation.ec2.states["i-3"] == "terminated"


def test_a_stop_condition_ends_the_run_and_undoes_the_fault(tmp_path: Path) -> None:
    """It says what was breached, and how far."""
    simulation = Simulation(tmp_path, STOP_TWO)
    bad_from = START + 9
    simulation.load.outcome = lambda due: Outcome.FAILED if due > bad_from else Outcome.OK
    run = simulation.run().run
    assert run.ending is Ending.ABORTED
    assert "error_rate > 50% for 3s (it is" in run.reason
    assert all_running(simulation)
    assert run.faults[0].verified is True
    assert run.phase(PhaseName.RECOVERY) is None


@pytest.mark.parametrize(("spent", "aborts"), [("0.005%", True), ("1%", False)])
def test_a_run_ends_when_it_has_spent_too_much_of_the_error_budget(
    tmp_path: Path, spent: str, aborts: bool
) -> None:
    """At 99 %, three bad seconds are 0.01 % of 30 days."""
    objective = 'slos: [{sli: availability, objective: ">= 99%", during: all}]'
    condition = f"stop_conditions: [error_budget > {spent}]"
    experiment = "\n".join([STOP_TWO.partition("stop_conditions")[0], objective, condition])
    simulation = Simulation(tmp_path, experiment)
    bad_from = START + 9
    simulation.load.outcome = lambda due: (
        Outcome.FAILED if bad_from < due < bad_from + 3 else Outcome.OK
    )
    run = simulation.run().run
    assert (run.ending is Ending.ABORTED) == aborts
    assert all_running(simulation)
    if aborts:
        assert "error_budget > 0.005% at 99% (it is 0.0" in run.reason
        assert next(event.at for event in run.events if event.kind == "stop") < bad_from + 5


def test_when_the_load_dies_the_fault_is_undone_and_the_environment_is_to_blame(
    tmp_path: Path,
) -> None:
    """With Locust's own words."""
    simulation = Simulation(tmp_path, STOP_TWO)
    simulation.load.dies_at = START + 12
    run = simulation.run().run
    assert run.ending is Ending.UNUSABLE
    assert "Locust said: no more" in run.reason
    assert all_running(simulation)


def test_a_failed_injection_is_undone_and_never_called_completed(tmp_path: Path) -> None:
    """A run in which an action failed says so."""
    simulation = Simulation(tmp_path, STOP_TWO)
    simulation.ec2.failing["stop_instances"] = 1
    run = simulation.run().run
    assert run.ending is Ending.ABORTED
    assert "stop_instances is refused" in run.reason
    assert run.faults[0].error == "stop_instances is refused"
    assert all_running(simulation)


def test_an_undo_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    """A refused call in the undo is not the end of it."""
    simulation = Simulation(tmp_path, STOP_TWO)
    simulation.ec2.failing["start_instances"] = 5
    run = simulation.run().run
    assert run.ending is Ending.COMPLETED
    assert run.faults[0].verified is True
    assert all_running(simulation)


def test_one_undo_that_fails_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    """What was terminated meanwhile is reported as broken; the rest is put back."""
    experiment = """
title: Two
targets:
  a: {type: aws:ec2:instance, ids: [i-1, i-4]}
  b: {type: aws:ec2:instance, ids: i-2}
actions:
  first: {action: aws:ec2:stop-instances, targets: a, duration: 10s}
  second: {action: aws:ec2:stop-instances, targets: b, at: 1s, duration: 10s}
"""
    simulation = Simulation(tmp_path, experiment)
    simulation.clock.after(8, lambda: simulation.ec2.states.update({"i-1": "terminated"}))
    run = simulation.run().run
    assert run.ending is Ending.ROLLBACK_INCOMPLETE
    assert "terminated meanwhile by someone else: i-1" in run.reason
    assert {f.name: f.verified for f in run.faults} == {"first": False, "second": True}
    assert simulation.ec2.states["i-4"] == simulation.ec2.states["i-2"] == "running"


def test_an_instance_that_was_stopped_before_is_not_started(tmp_path: Path) -> None:
    """The undo touches only what the injection changed."""
    simulation = Simulation(tmp_path, STOP_TWO.replace("count(2)", "all"))
    simulation.ec2.states["i-0"] = "stopped"
    run = simulation.run().run
    assert run.faults[0].verified is True
    assert simulation.ec2.states["i-0"] == "stopped"
    assert set(simulation.ec2.states.values()) == {"stopped", "running"}


def test_nothing_is_injected_where_the_journal_cannot_be_written(tmp_path: Path) -> None:
    """A full disk before the state is down means no fault."""
    simulation = Simulation(tmp_path, STOP_TWO)

    def full(record: AnyRecord) -> None:
        if isinstance(record, Captured):
            raise OSError(28, "No space left on device")

    simulation.on_record = full
    run = simulation.run().run
    assert run.ending is Ending.ABORTED
    assert "No space left" in run.reason
    assert simulation.ec2.calls == []


def test_a_disk_that_fills_up_during_the_fault_does_not_stop_the_undo(tmp_path: Path) -> None:
    """The state is on disk already; the undo needs no more of it."""
    simulation = Simulation(tmp_path, STOP_TWO)
    full = False

    def fill(record: AnyRecord) -> None:
        nonlocal full
        full = full or (isinstance(record, Reached) and record.stage is Stage.REVERT_CALLED)
        if full:
            raise OSError(28, "No space left on device")

    simulation.on_record = fill
    simulation.run()
    assert all_running(simulation)
    assert any("could not be written" in event.text for event in simulation.watcher.events)


@pytest.mark.parametrize(
    ("experiment", "why"),
    [
        (STOP_TWO.replace("tags: {app: shop}", "ids: i-99"), "would hit nothing"),
        (STOP_TWO + "blast_radius: {max_percent: 30}", "2 of 6 members of fleet"),
    ],
)
def test_a_run_that_would_do_nothing_or_too_much_is_refused(
    tmp_path: Path, experiment: str, why: str
) -> None:
    """Before anything is touched, with the numbers."""
    simulation = Simulation(tmp_path, experiment)
    with pytest.raises(Refused, match=why):
        simulation.run()
    assert simulation.ec2.calls == []


def test_the_blast_radius_counts_what_is_broken_at_the_same_time(tmp_path: Path) -> None:
    """Two halves one after the other are a half; together they are the whole."""
    experiment = """
title: Halves
targets:
  a: {type: aws:ec2:instance, ids: [i-0, i-1, i-2]}
  b: {type: aws:ec2:instance, ids: [i-3, i-4, i-5]}
actions:
  first: {action: aws:ec2:stop-instances, targets: a, duration: 5s}
  second: {action: aws:ec2:stop-instances, targets: b, WHEN, duration: 5s}
blast_radius: {max_percent: 50}
"""
    after = Simulation(tmp_path / "after", experiment.replace("WHEN", "after: first"))
    assert after.run().run.ending is Ending.COMPLETED
    at_once = Simulation(tmp_path / "at-once", experiment.replace("WHEN", "at: 2s"))
    with pytest.raises(Refused, match="6 of 6 members of fleet would be hit at the same time"):
        at_once.run()


def test_what_is_protected_or_our_own_is_never_hit(tmp_path: Path) -> None:
    """By tag, by id, and the machine that the undo would come from."""
    simulation = Simulation(tmp_path, STOP_TWO.replace("count(2)", "all"))
    for protected in (
        Protected(ids=("i-3",)),
        Protected(tags={"aws:autoscaling:groupName": "fleet"}),
    ):
        simulation.protected = protected
        with pytest.raises(Refused, match="which is protected"):
            simulation.run()
    simulation.protected = Protected()
    simulation.own_place = OwnPlace("i-2", "subnet-1")
    with pytest.raises(Refused, match="on which this very process runs"):
        simulation.run()
    assert simulation.ec2.calls == []


def test_a_steady_state_that_does_not_hold_keeps_the_fault_from_being_injected(
    tmp_path: Path,
) -> None:
    """Nothing listens on that port."""
    probe = "steady_state: [{http: '${host}/health'}]"
    simulation = Simulation(tmp_path, STOP_TWO + probe)
    run = simulation.run().run
    assert run.ending is Ending.UNUSABLE
    assert "the steady state does not hold" in run.reason
    assert simulation.ec2.calls == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whenever_it_is_interrupted_everything_is_put_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """At any moment, with any schedule, any settling time and any refused calls."""
    count = data.draw(st.integers(1, 3), "actions")
    lines = [
        f"  a{n}: {{action: aws:ec2:stop-instances, targets: t{n}, "
        f"at: {data.draw(st.integers(0, 8))}s, duration: {data.draw(st.integers(0, 12))}s}}"
        for n in range(count)
    ]
    targets = [f"  t{n}: {{type: aws:ec2:instance, ids: [i-{n}, i-{n + 3}]}}" for n in range(count)]
    experiment = "\n".join(["title: any", "targets:", *targets, "actions:", *lines])
    simulation = Simulation(tmp_path_factory.mktemp("run"), experiment)
    simulation.ec2.settle = data.draw(st.floats(0, 5), "settle")
    simulation.ec2.failing["start_instances"] = data.draw(st.integers(0, 3), "start refused")
    simulation.ec2.failing["stop_instances"] = data.draw(st.integers(0, 1), "stop refused")

    def interrupt() -> None:
        simulation.interruption.reason = "interrupted by SIGINT"

    simulation.clock.after(data.draw(st.floats(0, 30), "interrupted after"), interrupt)
    run = simulation.run().run
    assert all_running(simulation)
    assert run.ending in {Ending.COMPLETED, Ending.ABORTED}
    assert all(fault.verified for fault in run.faults if fault.inject_called_at)


def test_what_is_watched_is_what_is_written(tmp_path: Path) -> None:
    """The observer hears each event of the journal, after it is on disk."""
    simulation = Simulation(tmp_path, STOP_TWO)
    run = simulation.run().run
    assert [event.text for event in simulation.watcher.events] == [e.text for e in run.events]


def test_a_system_that_is_sick_before_the_fault_is_not_broken_further(tmp_path: Path) -> None:
    """A baseline that misses an objective ends the run, inconclusive, and says so."""
    objective = 'slos: [{sli: availability, objective: ">= 99%"}]'
    simulation = Simulation(tmp_path, STOP_TWO.partition("stop_conditions")[0] + objective)
    simulation.load.outcome = lambda due: Outcome.FAILED if int(due) % 4 == 0 else Outcome.OK
    run = simulation.run().run
    assert run.ending is Ending.ALREADY_SICK
    assert "sick before the fault: availability" in run.reason
    assert simulation.ec2.calls == []


def test_a_watcher_that_fails_does_not_end_or_hide_the_run(tmp_path: Path) -> None:
    """As when the output is piped into something that has had enough."""
    simulation = Simulation(tmp_path, STOP_TWO)

    def broken(event: Event) -> None:
        raise BrokenPipeError(event)

    simulation.watcher.event = broken  # type: ignore[method-assign]
    run = simulation.run().run
    assert run.ending is Ending.COMPLETED
    assert all_running(simulation)

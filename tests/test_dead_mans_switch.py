"""If the runner is gone and nobody does anything, AWS heals itself."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaos.actions.action import ApiCall
from chaos.actions.ec2 import StopInstances, StoppedInstances
from chaos.aws.clients import BotoClients
from chaos.engine.dead_mans_switch import DeadMansSwitch, universal_target
from chaos.engine.journal import Captured, FileJournal, Reached, RunStarted, Stage
from chaos.engine.recovery import read_unfinished
from chaos.model.environment import DeadMansSwitchSettings, load_settings
from chaos.model.experiment import Experiment
from chaos.recovering import recover_run
from tests.chaos_command import ROOT, Chaos
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab

ROLE = "arn:aws:iam::123456789012:role/heal"
SETTINGS = DeadMansSwitchSettings.model_validate({"role_arn": ROLE, "grace": "5s"})
AT = 1_800_000_000.0


def moment(at: float) -> str:
    """As Scheduler writes it."""
    return f"at({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S})"


def test_the_undo_is_scheduled_postponed_and_deleted(aws: BotoClients) -> None:
    """With the very calls of the undo; deleting what is gone is no error."""
    switch = DeadMansSwitch(aws, "20270115-080000-stop-half-the-fleet", SETTINGS)
    state = StoppedInstances(running=("i-1", "i-2"))
    scheduler = aws.client("scheduler")
    switch.arm("stop them", StopInstances(aws, {}), state, AT)
    (listed,) = scheduler.list_schedules()["Schedules"]
    schedule = scheduler.get_schedule(Name=listed["Name"])
    assert schedule["ScheduleExpression"] == moment(AT + 5)
    assert schedule["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:ec2:startInstances"
    assert schedule["Target"]["RoleArn"] == ROLE
    assert json.loads(schedule["Target"]["Input"]) == {"InstanceIds": ["i-1", "i-2"]}
    assert schedule["ActionAfterCompletion"] == "DELETE"
    switch.arm("stop them", StopInstances(aws, {}), state, AT + 60)
    postponed = scheduler.get_schedule(Name=listed["Name"])
    assert postponed["ScheduleExpression"] == moment(AT + 65)
    assert postponed["State"] == "ENABLED"  # what an update does not name is reset
    switch.disarm("stop them")
    switch.disarm("stop them")
    assert scheduler.list_schedules()["Schedules"] == []


@pytest.mark.parametrize("stage", [None, Stage.REVERT_CONFIRMED])
def test_what_is_armed_is_put_away_by_a_recovery(
    aws: BotoClients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage | None
) -> None:
    """Also where the runner was killed before the injection, or after the undo was confirmed."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    chaos = Chaos(tmp_path)
    chaos.use_api(aws, f'dead_mans_switch = {{role_arn = "{ROLE}", grace = "5s"}}')
    action, state = StopInstances(aws, {}), StoppedInstances(running=("i-1",))
    DeadMansSwitch(aws, "killed", SETTINGS).arm("stop", action, state, AT)
    journal = FileJournal(tmp_path)
    journal.write(
        RunStarted(
            at=AT,
            run_id="killed",
            experiment=Experiment(title="Killed"),
            file="killed.yaml",
            environment="shared",
            account="123456789012",
            region="us-east-1",
            endpoint_url=aws.client("sts").meta.endpoint_url,
            seed=1,
        )
    )
    journal.write(
        Captured(
            at=AT,
            name="stop",
            action=action.id,
            parameters={},
            targets=("i-1",),
            state=state.model_dump(),
        )
    )
    if stage is not None:
        journal.write(Reached(at=AT, name="stop", stage=stage))
    journal.close()
    unfinished = read_unfinished(tmp_path)
    assert unfinished is not None
    outcome = recover_run(unfinished, load_settings(tmp_path / "chaos.toml"))
    assert outcome.text == "nothing was left broken"
    assert aws.client("scheduler").list_schedules()["Schedules"] == []
    assert read_unfinished(tmp_path) is None


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (ApiCall("ec2", "start_instances", {}), "ec2:startInstances"),
        (ApiCall("rds", "start_db_instance", {}), "rds:startDBInstance"),
        (ApiCall("elbv2", "register_targets", {}), "elasticloadbalancingv2:registerTargets"),
    ],
)
def test_a_call_is_named_as_scheduler_names_it(call: ApiCall, target: str) -> None:
    """Camel case, and some services by another name."""
    assert universal_target(call) == f"arn:aws:scheduler:::aws-sdk:{target}"


@pytest.fixture
def chaos(tmp_path: Path, lab: RunningLab) -> Chaos:
    """The command, with a dead man's switch in its environment."""
    chaos = Chaos(tmp_path)
    chaos.use(lab)
    with (tmp_path / "chaos.toml").open("a") as settings:
        settings.write(f'dead_mans_switch = {{role_arn = "{ROLE}", grace = "2s"}}\n')
    (tmp_path / "stop.yaml").write_text(
        "title: Two stop\n"
        f"load: {{locustfile: {ROOT}/loadtests/shop.py, rate: 10/s}}\n"
        "phases: {baseline: 1s}\n"
        "targets:\n"
        "  two: {type: aws:ec2:instance, tags: {app: shop}, select: count(2)}\n"
        "actions:\n"
        "  stop: {action: aws:ec2:stop-instances, targets: two, duration: 4s}\n"
    )
    return chaos


def schedules(lab: RunningLab) -> list[str]:
    """The names of the schedules that are in the lab."""
    import boto3

    handle = lab.handle
    scheduler = boto3.Session(
        handle.access_key_id, handle.secret_access_key, region_name=handle.region
    ).client("scheduler", endpoint_url=handle.endpoint_url)
    return [one["Name"] for one in scheduler.list_schedules()["Schedules"]]


def states(lab: RunningLab) -> set[str]:
    """The states of all instances."""
    return {one.state for one in lab.instances().values()}


@pytest.mark.lab
def test_the_region_heals_itself_when_the_runner_is_killed(chaos: Chaos, lab: RunningLab) -> None:
    """After a kill -9, nothing else is done; then there is nothing left to recover."""
    with chaos.running("run", "stop.yaml", "--env", "shared") as process:
        chaos.await_journal('"stage":"inject-confirmed"')
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert "stopped" in states(lab)
    assert schedules(lab)
    eventually(lambda: states(lab) == {"running"}, 20, "the schedule has started the instances")
    eventually(lambda: not schedules(lab), 10, "the schedule is deleted")
    recovered = chaos("recover")
    assert recovered.returncode == 0
    assert "everything is put back and verified" in recovered.stdout


@pytest.mark.lab
def test_after_a_normal_undo_no_schedule_is_left(chaos: Chaos, lab: RunningLab) -> None:
    """The switch was armed, and is disarmed."""
    with chaos.running("run", "stop.yaml", "--env", "shared") as process:
        chaos.await_journal('"stage":"inject-confirmed"')
        assert schedules(lab)
        assert process.wait(60) == 0
    assert schedules(lab) == []

"""Zones, groups and target groups: what is taken away is given back, and only that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.actions.action import CannotRevert, State
from chaos.actions.autoscaling import ExcludeAvailabilityZone, SuspendProcesses
from chaos.actions.az import PowerInterruption
from chaos.actions.elbv2 import DeregisterTargets
from chaos.actions.registry import Registry
from chaos.aws.clients import BotoClients
from chaos.aws.resources import Resource
from chaos.aws.targets import resolve
from chaos.engine.environment import OpenEnvironment
from chaos.engine.plan import Plan, make_plan, planned_ends
from chaos.model.experiment import Target
from chaos.model.loading import load_experiment
from chaos.model.problems import Refused
from tests.test_aws import launch
from tests.test_network_action import ZONES, make_vpc

GROUP = "aws:ec2:autoscaling-group"
TAGGED = [{"Key": "app", "Value": "shop"}]
LAUNCHED = [{**TAGGED[0], "PropagateAtLaunch": True}]


def make_group(aws: BotoClients, name: str, subnets: list[str], size: int = 0) -> None:
    """An Auto Scaling group; moto puts all its members into the first of the subnets."""
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    if not ec2.describe_launch_templates()["LaunchTemplates"]:
        template = {"ImageId": "ami-12c6146b", "InstanceType": "t3.small"}
        ec2.create_launch_template(LaunchTemplateName="shop", LaunchTemplateData=template)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": "shop"},
        MinSize=size,
        MaxSize=9,
        VPCZoneIdentifier=",".join(subnets),
        Tags=[{**LAUNCHED[0], "ResourceId": name, "ResourceType": "auto-scaling-group"}],
    )


def group_of(aws: BotoClients, name: str) -> dict[str, Any]:
    """What AWS says of a group."""
    client = aws.client("autoscaling")
    (group,) = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return dict(group)


def find(aws: BotoClients, kind: str, **declared: object) -> tuple[Resource, ...]:
    """What a target means."""
    return resolve(Target.model_validate({"type": kind, **declared}), aws, seed=1)


def exclude(aws: BotoClients, *zones: str) -> ExcludeAvailabilityZone:
    """The action, for these zones."""
    return ExcludeAvailabilityZone(aws, {"availabilityZoneIdentifiers": zones})


def test_a_group_launches_nowhere_in_the_zone_until_the_undo(aws: BotoClients) -> None:
    """The subnets come back in their order; undoing twice is undoing once."""
    _, subnets = make_vpc(aws)
    make_group(aws, "shop", subnets)
    before = group_of(aws, "shop")
    targets = find(aws, GROUP, tags={"app": "shop"}, filters={"AvailabilityZones": ZONES[0]})
    action = exclude(aws, ZONES[0])
    state = action.capture(targets)
    action.inject(targets, state)
    assert action.injected(targets, state)
    assert group_of(aws, "shop")["VPCZoneIdentifier"] == ",".join(subnets[1:3])
    assert not action.verify(state)
    for _ in range(2):
        action.revert(state)
        assert action.verify(state)
        assert group_of(aws, "shop") == before


def test_what_others_change_in_a_group_meanwhile_stays(aws: BotoClients) -> None:
    """Only the subnets that were taken are added; a deleted group is reported."""
    _, subnets = make_vpc(aws)
    make_group(aws, "shop", subnets[:3])
    make_group(aws, "doomed", subnets[:3])
    targets = find(aws, GROUP, ids=["shop", "doomed"])
    action = exclude(aws, ZONES[0])
    state = action.capture(targets)
    action.inject(targets, state)
    client = aws.client("autoscaling")
    client.update_auto_scaling_group(AutoScalingGroupName="shop", VPCZoneIdentifier=subnets[2])
    client.delete_auto_scaling_group(AutoScalingGroupName="doomed")
    with pytest.raises(CannotRevert, match="doomed"):
        action.revert(state)
    assert group_of(aws, "shop")["VPCZoneIdentifier"] == f"{subnets[2]},{subnets[0]}"
    assert action.verify(state)


def test_a_group_must_keep_a_zone(aws: BotoClients) -> None:
    """One that lives in the zone alone could launch nowhere, and AWS would not have it."""
    _, subnets = make_vpc(aws)
    make_group(aws, "shop", [subnets[0], subnets[3]])
    with pytest.raises(Refused, match="no subnet outside us-east-1a"):
        exclude(aws, ZONES[0]).capture(find(aws, GROUP, ids="shop"))


def suspended(aws: BotoClients, name: str) -> set[str]:
    """The suspended processes of a group."""
    return {process["ProcessName"] for process in group_of(aws, name)["SuspendedProcesses"]}


def test_only_what_went_on_before_is_resumed(aws: BotoClients) -> None:
    """Of all processes, where none are named; a group in which none went on is not touched."""
    _, subnets = make_vpc(aws)
    client = aws.client("autoscaling")
    for name in ("shop", "quiet"):
        make_group(aws, name, subnets[:3])
    client.suspend_processes(AutoScalingGroupName="shop", ScalingProcesses=["AZRebalance"])
    client.suspend_processes(AutoScalingGroupName="quiet")
    targets = find(aws, GROUP, tags={"app": "shop"})
    action = SuspendProcesses(aws, {})
    state = action.capture(targets)
    assert [call.parameters["AutoScalingGroupName"] for call in action.revert_calls(state)] == [
        "shop"
    ]
    assert not action.injected(targets, state)
    action.inject(targets, state)
    assert action.injected(targets, state)
    assert len(suspended(aws, "shop")) == 9
    for _ in range(2):
        action.revert(state)
        assert action.verify(state)
        assert suspended(aws, "shop") == {"AZRebalance"}
    assert len(suspended(aws, "quiet")) == 9


def test_processes_that_others_resumed_or_suspended_meanwhile_stay_so(aws: BotoClients) -> None:
    """A deleted group is reported, and the others are undone all the same."""
    _, subnets = make_vpc(aws)
    client = aws.client("autoscaling")
    for name in ("shop", "doomed"):
        make_group(aws, name, subnets[:3])
    targets = find(aws, GROUP, tags={"app": "shop"})
    action = SuspendProcesses(aws, {"processes": ["Launch", "Terminate"]})
    state = action.capture(targets)
    action.inject(targets, state)
    client.resume_processes(AutoScalingGroupName="shop", ScalingProcesses=["Launch"])
    client.suspend_processes(AutoScalingGroupName="shop", ScalingProcesses=["HealthCheck"])
    client.delete_auto_scaling_group(AutoScalingGroupName="doomed")
    assert not action.verify(state)
    with pytest.raises(CannotRevert, match="doomed"):
        action.revert(state)
    assert suspended(aws, "shop") == {"HealthCheck"}
    assert action.verify(state)


def make_target_group(aws: BotoClients, name: str, ids: list[str]) -> str:
    """A target group with these instances."""
    elbv2 = aws.client("elbv2")
    vpc = aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    made = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)
    arn: str = made["TargetGroups"][0]["TargetGroupArn"]
    if ids:
        elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": one} for one in ids])
    return arn


def targets_of(aws: BotoClients, group: str) -> list[dict[str, Any]]:
    """What is registered, by id."""
    answer = aws.client("elbv2").describe_target_health(TargetGroupArn=group)
    return sorted(
        (dict(one["Target"]) for one in answer["TargetHealthDescriptions"]),
        key=lambda target: str(target["Id"]),
    )


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    member_of=st.lists(st.sets(st.sampled_from(["one", "two"])), min_size=1, max_size=4),
    calls_made=st.integers(0, 2),
)
def test_exactly_those_that_were_registered_are_registered_again(
    aws: BotoClients, member_of: list[set[str]], calls_made: int
) -> None:
    """In each of their target groups, however far the injection came."""
    ids = launch(aws, len(member_of), app="shop")
    names = {name: f"{name}-{ids[0][-6:]}" for name in ("one", "two")}
    groups = [
        make_target_group(
            aws, names[name], [i for i, m in zip(ids, member_of, strict=True) if name in m]
        )
        for name in ("one", "two")
    ]
    before = [targets_of(aws, group) for group in groups]
    action = DeregisterTargets(aws, {})
    found = find(aws, "aws:ec2:instance", ids=ids)
    if not any(before):
        with pytest.raises(Refused, match="runs and is registered with any target group"):
            action.capture(found)
        return
    state = action.capture(found)
    calls = action.inject_calls(found, state)
    for call in calls[:calls_made]:
        call.make(aws)
    assert action.injected(found, state) is (calls_made >= len(calls))
    for _ in range(2):
        action.revert(state)
        assert action.verify(state)
        assert [targets_of(aws, group) for group in groups] == before


def test_targets_are_taken_out_of_the_named_group_only(aws: BotoClients) -> None:
    """By its name or ARN; the others keep them."""
    ids = launch(aws, 2, app="shop")
    one, two = (make_target_group(aws, name, ids) for name in ("one", "two"))
    action = DeregisterTargets(aws, {"targetGroup": "one"})
    found = find(aws, "aws:ec2:instance", ids=ids[:1])
    action.inject(found, action.capture(found))
    assert [target["Id"] for target in targets_of(aws, one)] == ids[1:]
    assert {target["Id"] for target in targets_of(aws, two)} == set(ids)


def test_a_target_that_is_terminated_meanwhile_is_reported(aws: BotoClients) -> None:
    """The others are registered all the same."""
    ids = launch(aws, 2, app="shop")
    group = make_target_group(aws, "one", ids)
    action = DeregisterTargets(aws, {})
    found = find(aws, "aws:ec2:instance", ids=ids)
    state = action.capture(found)
    action.inject(found, state)
    aws.client("ec2").terminate_instances(InstanceIds=[ids[0]])
    with pytest.raises(CannotRevert, match=ids[0]):
        action.revert(state)
    assert [target["Id"] for target in targets_of(aws, group)] == ids[1:]
    assert action.verify(state)


def test_a_target_that_does_not_run_is_left_for_the_time_when_it_does(aws: BotoClients) -> None:
    """AWS registers running instances only; the others are registered all the same."""
    first, second, third = ids = launch(aws, 3, app="shop")
    group = make_target_group(aws, "one", ids)
    ec2 = aws.client("ec2")
    ec2.stop_instances(InstanceIds=[first])
    action = DeregisterTargets(aws, {})
    found = find(aws, "aws:ec2:instance", ids=ids)
    state = action.capture(found)
    assert {one.id for one in state.targets} == {second, third}
    action.inject(found, state)
    ec2.stop_instances(InstanceIds=[second])
    action.revert(state)
    assert {target["Id"] for target in targets_of(aws, group)} == {first, third}
    assert not action.verify(state)
    ec2.start_instances(InstanceIds=[second])
    action.revert(state)
    assert action.verify(state)
    assert {target["Id"] for target in targets_of(aws, group)} == set(ids)


POWER = """
title: Power
actions:
  lose-power:
    action: aws:az:power-interruption
    parameters: {availabilityZone: us-east-1a, tags: {app: shop}}
    duration: 10m
  later:
    action: aws:az:power-interruption
    parameters: {availabilityZone: us-east-1b, tags: {app: shop}, networkDuration: 30s}
    after: [lose-power]
    duration: 1m
blast_radius: {max_percent: 100}
"""


def plan(aws: BotoClients, directory: Path, experiment: str = POWER) -> Plan:
    """What a run would do."""
    file = directory / "experiment.yaml"
    file.write_text(experiment)
    loaded = load_experiment(file, Registry())
    return make_plan(loaded.experiment, OpenEnvironment("test", None, aws), seed=1)


def test_a_power_interruption_becomes_its_parts(aws: BotoClients, tmp_path: Path) -> None:
    """Each with its zone's resources and its own length; those that find nothing are left out."""
    _, subnets = make_vpc(aws)
    make_group(aws, "shop", subnets, size=2)
    actions = {planned.name: planned for planned in plan(aws, tmp_path).actions}
    first = {name: one for name, one in actions.items() if name.startswith("lose-power/")}
    assert {(name.split("/")[1], one.action.id, one.duration) for name, one in first.items()} == {
        ("exclude-zone-from-groups", "aws:autoscaling:exclude-availability-zone", 600.0),
        ("disrupt-network", "aws:network:disrupt-connectivity", 120.0),
        ("stop-instances", "aws:ec2:stop-instances", 600.0),
    }
    assert set(actions["lose-power/disrupt-network"].target_ids) == {subnets[0], subnets[3]}
    stopped = actions["lose-power/stop-instances"]
    assert {target.zone for target in stopped.targets} == {"us-east-1a"}
    assert stopped.action.parameters.tolerate_terminated is True
    assert actions["later/disrupt-network"].duration == 30.0


def test_what_waits_for_a_composite_waits_for_all_of_its_parts(
    aws: BotoClients, tmp_path: Path
) -> None:
    """And so its time is known in advance."""
    _, subnets = make_vpc(aws)
    make_group(aws, "shop", subnets, size=2)
    actions = plan(aws, tmp_path).actions
    parts = {one.name for one in actions if one.name.startswith("lose-power/")}
    assert {one.after for one in actions if one.name in parts} == {()}
    assert {frozenset(one.after) for one in actions if one.name not in parts} == {frozenset(parts)}
    assert max(planned_ends(actions).values()) == 660.0


def test_a_composite_that_finds_nothing_at_all_is_refused(aws: BotoClients, tmp_path: Path) -> None:
    """As any action is."""
    with pytest.raises(Refused, match="lose-power would hit nothing"):
        plan(aws, tmp_path)


def test_the_parts_of_the_power_interruption_are_well_formed(aws: BotoClients) -> None:
    """Each part that is installed takes the parameters and the targets that it is given."""
    whole = PowerInterruption(aws, {"availabilityZone": "us-east-1a", "tags": {"app": "shop"}})
    for part in whole.parts(60.0):
        kind = Registry().find_action(part.action)
        if kind is not None:
            assert kind.resource == part.target.type
            kind(aws, part.parameters)
    assert whole.State is State


def test_a_cluster_stands_where_its_writer_is(aws: BotoClients, tmp_path: Path) -> None:
    """So a power interruption fails over those with their writer in the zone, and no others."""
    rds = aws.client("rds")
    _, subnets = make_vpc(aws)
    make_group(aws, "shop", subnets, size=1)
    for name, zone in (("here", "us-east-1a"), ("elsewhere", "us-east-1b")):
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            MasterUsername="shop",
            MasterUserPassword="not-a-secret",
            Tags=TAGGED,
        )
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-1",
            DBClusterIdentifier=name,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            AvailabilityZone=zone,
            Tags=TAGGED,
        )
    assert {(one.id, one.zone) for one in find(aws, "aws:rds:cluster", tags={"app": "shop"})} == {
        ("here", "us-east-1a"),
        ("elsewhere", "us-east-1b"),
    }
    actions = {planned.name: planned for planned in plan(aws, tmp_path).actions}
    assert actions["lose-power/fail-over-clusters"].target_ids == ("here",)
    assert actions["later/fail-over-clusters"].target_ids == ("elsewhere",)

"""What the AWS API says happens in the lab does happen, to processes and to traffic."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from chaos.lab import handle
from chaos.lab.directory import LabDirectory
from chaos.lab.processes import living
from chaos.lab.truth import TruthEvent, TruthKind
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab

pytestmark = pytest.mark.lab

REPLACED_WITHIN = 20


def zones_of(lab: RunningLab) -> Counter[str]:
    """How many instances each zone has."""
    return Counter(one.zone for one in lab.instances().values())


def servers_of(lab: RunningLab, requests: int = 60) -> set[str]:
    """Ids of the instances that answer so many requests."""
    answers = [lab.get("/products/1") for _ in range(requests)]
    return {answer.headers["x-served-by"] for answer in answers if answer.status == 200}


def event(lab: RunningLab, kind: TruthKind, instance_id: str, since: float) -> TruthEvent:
    """The one event of that kind that the instance has had since then."""
    found = [
        one
        for one in handle.truth(lab.handle, since)
        if one.kind is kind and one.resource == instance_id
    ]
    assert len(found) == 1, found
    return found[0]


def pid_lives(pid: int | None) -> bool:
    """Whether there is such a process that has not ended."""
    return any(process.pid == pid for process in living())


def health_of(lab: RunningLab, instance_id: str) -> str:
    """What DescribeTargetHealth says of the instance."""
    (group,) = lab.elbv2.describe_target_groups()["TargetGroups"]
    answer = lab.elbv2.describe_target_health(
        TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": instance_id}]
    )
    return answer["TargetHealthDescriptions"][0]["TargetHealth"]["State"]


def test_the_shop_is_spread_evenly_and_all_of_it_serves(lab: RunningLab) -> None:
    """Two instances in each of three zones; the API, the processes and the answers agree."""
    described = [
        instance
        for page in lab.ec2.get_paginator("describe_instances").paginate(
            Filters=[
                {"Name": "tag:app", "Values": ["shop"]},
                {"Name": "instance-state-name", "Values": ["running"]},
            ]
        )
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    subnets = {
        subnet["SubnetId"]: subnet["AvailabilityZone"]
        for subnet in lab.ec2.describe_subnets()["Subnets"]
    }
    assert sorted(zones_of(lab).values()) == [2, 2, 2]
    assert {one["InstanceId"] for one in described} == set(lab.instances())
    for one in described:
        assert subnets[one["SubnetId"]] == one["Placement"]["AvailabilityZone"]
    assert servers_of(lab) == set(lab.instances())


def test_the_shop_sells_what_it_has(lab: RunningLab) -> None:
    """Browsing, looking, buying, and what is refused."""
    products = json.loads(lab.get("/products").body)
    assert json.loads(lab.get(f"/products/{products[0]['id']}").body) == products[0]
    order = lab.post("/purchase", json.dumps({"product_id": 1, "quantity": 2}).encode())
    assert order.status == 201
    assert json.loads(order.body)["order_id"]
    assert lab.get("/products/999999").status == 404
    for wrong, status in (
        (b"{", 400),
        (b"[]", 422),
        (b'{"product_id": 1, "quantity": 0}', 422),
        (b'{"product_id": true, "quantity": 1}', 422),
        (b'{"product_id": 999999, "quantity": 1}', 404),
    ):
        assert lab.post("/purchase", wrong).status == status


def test_answers_name_the_instance_and_its_zone(lab: RunningLab) -> None:
    """Whoever looks at an answer can tell where it came from."""
    instances = lab.instances()
    for _ in range(12):
        headers = lab.get("/health").headers
        assert instances[headers["x-served-by"]].zone == headers["x-served-zone"]


def test_a_stopped_instance_dies_and_comes_back_as_itself(lab: RunningLab) -> None:
    """Stop kills the process and silences it; start boots it with the same id and address."""
    before = next(iter(lab.instances().values()))
    began = time.time()
    lab.ec2.stop_instances(InstanceIds=[before.instance_id])
    eventually(
        lambda: lab.instances()[before.instance_id].state == "stopped", within=5, what="stopped"
    )
    assert not pid_lives(before.pid)
    assert health_of(lab, before.instance_id) == "unused"
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        lab.ec2.reboot_instances(InstanceIds=[before.instance_id])
    eventually(
        lambda: (
            sum(
                one.kind is TruthKind.TARGET_UNHEALTHY and one.resource == before.instance_id
                for one in handle.truth(lab.handle, began)
            )
            == 3
        ),
        within=10,
        what="every node has taken it out",
    )
    assert before.instance_id not in servers_of(lab)

    lab.ec2.start_instances(InstanceIds=[before.instance_id])
    lab.await_whole()
    after = lab.instances()[before.instance_id]
    assert (after.private_ip, after.zone) == (before.private_ip, before.zone)
    assert after.pid != before.pid
    assert before.instance_id in servers_of(lab)
    killed = event(lab, TruthKind.INSTANCE_KILLED, before.instance_id, began)
    booted = event(lab, TruthKind.INSTANCE_BOOTING, before.instance_id, began)
    serving = event(lab, TruthKind.INSTANCE_SERVING, before.instance_id, began)
    assert began <= killed.at < booted.at < serving.at <= time.time()


def test_a_rebooted_instance_runs_a_new_process(lab: RunningLab) -> None:
    """The instance stays running in EC2's eyes, but its process is another one afterwards."""
    before = next(iter(lab.instances().values()))
    lab.ec2.reboot_instances(InstanceIds=[before.instance_id])
    eventually(
        lambda: lab.instances()[before.instance_id].pid not in (None, before.pid),
        within=10,
        what="a new process",
    )
    assert not pid_lives(before.pid)
    assert lab.instances()[before.instance_id].state == "running"


def test_a_terminated_instance_is_replaced_in_its_zone(lab: RunningLab) -> None:
    """Another is launched after a while where one is missing, registered, and takes traffic."""
    before = lab.instances()
    victim = next(iter(before.values()))
    began = time.time()
    lab.ec2.terminate_instances(InstanceIds=[victim.instance_id])
    assert set(lab.instances()) <= set(before), "the group must not react within the call"
    eventually(
        lambda: lab.is_whole() and victim.instance_id not in lab.instances(),
        within=REPLACED_WITHIN,
        what="the replacement is healthy",
    )
    assert not pid_lives(victim.pid)
    (new,) = set(lab.instances()) - set(before)
    assert lab.instances()[new].zone == victim.zone
    assert sorted(zones_of(lab).values()) == [2, 2, 2]
    assert new in servers_of(lab)
    tags = lab.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [new]}])["Tags"]
    assert {"app": "shop", "aws:autoscaling:groupName": "shop"}.items() <= {
        tag["Key"]: tag["Value"] for tag in tags
    }.items()
    killed = event(lab, TruthKind.INSTANCE_KILLED, victim.instance_id, began)
    launched = event(lab, TruthKind.INSTANCE_LAUNCHED, new, began)
    assert 1.9 <= launched.at - killed.at < 4
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        lab.ec2.start_instances(InstanceIds=[victim.instance_id])


def test_a_whole_zone_is_replaced_where_it_was(lab: RunningLab) -> None:
    """After the loss of both instances of a zone the group is balanced again."""
    victims = [one.instance_id for one in lab.instances().values() if one.zone == "us-east-1b"]
    lab.ec2.terminate_instances(InstanceIds=victims)
    eventually(
        lambda: lab.is_whole() and not set(victims) & set(lab.instances()),
        within=REPLACED_WITHIN,
        what="both replacements are healthy",
    )
    assert zones_of(lab)["us-east-1b"] == 2


def test_a_crash_of_the_application_leaves_the_instance_running(lab: RunningLab) -> None:
    """EC2 does not notice, health checks do, and the truth log knows."""
    victim = next(iter(lab.instances().values()))
    began = time.time()
    assert victim.pid
    os.kill(victim.pid, signal.SIGKILL)
    eventually(
        lambda: health_of(lab, victim.instance_id) == "unhealthy", within=10, what="unhealthy"
    )
    assert lab.instances()[victim.instance_id].state == "running"
    exited = event(lab, TruthKind.INSTANCE_EXITED, victim.instance_id, began)
    assert exited.at - began < 1
    lab.ec2.reboot_instances(InstanceIds=[victim.instance_id])
    lab.await_whole()


def test_a_deregistered_target_gets_no_traffic_until_it_is_registered(lab: RunningLab) -> None:
    """It drains, the group leaves it so, and registering brings it back."""
    (group,) = lab.elbv2.describe_target_groups()["TargetGroups"]
    arn = group["TargetGroupArn"]
    target = next(iter(lab.instances()))
    lab.elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": target}])
    assert health_of(lab, target) == "draining"
    eventually(lambda: target not in servers_of(lab, 24), within=5, what="no traffic")
    eventually(lambda: health_of(lab, target) == "unused", within=10, what="drained")
    lab.elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": target}])
    lab.await_whole()
    assert target in servers_of(lab)


def test_the_group_grows_and_shrinks_by_zone(lab: RunningLab) -> None:
    """Desired capacity 9 gives three in each zone, and 6 two in each again."""
    lab.autoscaling.set_desired_capacity(AutoScalingGroupName="shop", DesiredCapacity=9)
    eventually(lambda: len(lab.instances()) == 9, within=5, what="nine instances")
    assert sorted(zones_of(lab).values()) == [3, 3, 3]
    lab.autoscaling.set_desired_capacity(AutoScalingGroupName="shop", DesiredCapacity=6)
    eventually(lambda: len(lab.instances()) == 6, within=15, what="six instances")
    assert sorted(zones_of(lab).values()) == [2, 2, 2]


@pytest.mark.parametrize("process", ["Launch", "HealthCheck"])
def test_a_suspended_group_replaces_nothing(lab: RunningLab, process: str) -> None:
    """While either is suspended a terminated member is not replaced; afterwards it is."""
    victim = next(iter(lab.instances()))
    lab.autoscaling.suspend_processes(AutoScalingGroupName="shop", ScalingProcesses=[process])
    began = time.time()
    lab.ec2.terminate_instances(InstanceIds=[victim])
    eventually(
        lambda: any(
            one.kind is TruthKind.TARGET_DEREGISTERED for one in handle.truth(lab.handle, began)
        ),
        within=10,
        what="the group has noticed",
    )
    assert len(lab.instances()) == 5
    lab.autoscaling.resume_processes(AutoScalingGroupName="shop", ScalingProcesses=[process])
    eventually(lab.is_whole, within=REPLACED_WITHIN, what="the replacement is healthy")


def test_an_instance_runs_whatever_its_user_data_says(lab: RunningLab) -> None:
    """Also in the background, outside of any group, and all of it dies with the instance."""
    script = "#!/bin/sh\necho I am $INSTANCE_ID in $AVAILABILITY_ZONE\nsleep 1000 &\necho $!\n"
    subnet = lab.ec2.describe_subnets(Filters=[{"Name": "tag:app", "Values": ["shop"]}])
    (instance,) = lab.ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        UserData=script,
        SubnetId=subnet["Subnets"][2]["SubnetId"],
    )["Instances"]
    instance_id = instance["InstanceId"]
    assert instance["State"]["Name"] == "pending"

    def said() -> list[str]:
        log = LabDirectory(lab.handle.directory).machines / instance_id / "console.log"
        return log.read_text().split("\n") if log.exists() else []

    eventually(lambda: len(said()) == 3, within=5, what="both lines")
    assert said()[0] == f"I am {instance_id} in us-east-1c"
    background = int(said()[1])
    assert pid_lives(background)
    lab.ec2.terminate_instances(InstanceIds=[instance_id])
    eventually(lambda: not pid_lives(background), within=5, what="all of it is dead")


def test_the_balancers_count_is_the_clients_count(lab: RunningLab) -> None:
    """While half the fleet is stopped, bad answers and hang-ups agree one by one."""
    before = handle.balancer_counts(lab.handle)
    victims = list(lab.instances())[:3]

    def ask(number: int) -> int:
        if number == 20:
            lab.ec2.stop_instances(InstanceIds=victims)
        try:
            return lab.get("/products/1", timeout=1.5).status
        except OSError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        seen = Counter(pool.map(ask, range(200)))
    lab.ec2.start_instances(InstanceIds=victims)

    def counted() -> tuple[int, int, int, int]:
        after = handle.balancer_counts(lab.handle)
        return (
            after.requests - before.requests,
            after.answered_2xx - before.answered_2xx,
            after.answered_5xx - before.answered_5xx,
            after.client_gave_up - before.client_gave_up,
        )

    bad = sum(number for status, number in seen.items() if status >= 500)
    expected = (200, seen[200], bad, seen[0])
    assert bad + seen[0] > 0, "the outage must be felt"
    eventually(lambda: counted() == expected, within=5, what=f"{expected}, not {counted()}")


@pytest.mark.alone
def test_the_truth_log_agrees_with_what_a_client_sees(lab: RunningLab) -> None:
    """No instance answers between its death and its boot, by the log's times."""
    victim = next(iter(lab.instances()))
    began = time.time()
    lab.ec2.reboot_instances(InstanceIds=[victim])
    answered: list[float] = []
    deadline = time.monotonic() + 4

    def ask(_: int) -> None:
        while time.monotonic() < deadline:
            sent = time.time()
            try:
                answer = lab.get("/health", timeout=1)
            except OSError:
                continue
            if answer.headers.get("x-served-by") == victim:
                answered.append(sent)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    killed = event(lab, TruthKind.INSTANCE_KILLED, victim, began).at
    booting = event(lab, TruthKind.INSTANCE_BOOTING, victim, began).at
    assert [at for at in answered if killed + 0.05 < at < booting - 0.05] == []
    assert any(at > booting for at in answered)


def test_only_those_with_the_labs_key_may_call_the_api(lab: RunningLab) -> None:
    """User data runs as the lab's owner, so a stranger on the machine is refused."""
    import boto3

    stranger = boto3.client(
        "ec2",
        endpoint_url=lab.handle.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="guessed",  # noqa: S106 - it is no secret
    )
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        stranger.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)

"""A small account with something of everything in it, and all that AWS tells of it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import unified_diff
from typing import Any

from chaos.aws.clients import BotoClients
from chaos.aws.resources import Resource
from chaos.aws.targets import resolve
from chaos.model.experiment import Target
from tests.test_aws import launch
from tests.test_elasticache_actions import make_group as make_cache
from tests.test_iam_action import make_role
from tests.test_network_action import give_own_acl, make_vpc
from tests.test_rds_actions import create as make_database
from tests.test_rds_actions import create_cluster
from tests.test_zone_actions import make_group, make_target_group

TAGS = {"app": "shop"}
"""What all targets have; there are others of each type that must be left alone."""

NOT_STATE: Mapping[str, str] = {
    "ResponseMetadata": "tells of the answer, not of the world",
    "LatestRestorableTime": "RDS moves it on all the time",
    "LaunchTime": "EC2 sets it anew at each start",
    "PublicDnsName": "EC2 gives an instance another public address at each start",
    "PublicIp": "the same",
    "PublicIpAddress": "the same",
    "StateReason": "EC2 tells of the last change of state, which the undo is",
    "StateTransitionReason": "the same",
    "UsageOperationUpdateTime": "EC2 sets it with the launch time",
    "NetworkAclAssociationId": "EC2 gives an association another id each time it is replaced",
}
"""What AWS itself changes when something is undone, and why."""


class World:
    """The account, made when it is first needed, and anew after something was left changed."""

    def __init__(self, aws: BotoClients) -> None:
        """`aws` are clients of moto; whatever else is there is deleted."""
        self.aws = aws
        self._picture: dict[str, Any] | None = None

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever is done inside must leave all as it was."""
        before = self._picture or self._made()
        self._picture = None  # until it is known that all is as before
        yield
        changed = differences(before, picture(self.aws))
        assert not changed, changed
        self._picture = before

    def _made(self) -> dict[str, Any]:
        endpoint = self.aws.client("ec2").meta.endpoint_url
        reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=10).close()
        build(self.aws)
        return picture(self.aws)


def build(aws: BotoClients) -> None:
    """Make what the actions work on, some of it already in the state that a fault would make."""
    vpc, subnets = make_vpc(aws)
    give_own_acl(aws, vpc, subnets[1])
    make_group(aws, "fleet", subnets[:3], size=2)
    make_group(aws, "quiet", subnets[:3])
    aws.client("autoscaling").suspend_processes(
        AutoScalingGroupName="quiet", ScalingProcesses=["Launch", "AZRebalance"]
    )
    instances = launch(aws, 3, **TAGS, Name="worker")
    launch(aws, 1, app="other")
    make_target_group(aws, "web", instances)
    make_target_group(aws, "api", instances[1:])
    aws.client("ec2").stop_instances(InstanceIds=instances[:1])
    for name in ("orders-db", "users-db", "resting-db"):
        make_database(aws.client("rds"), name, **TAGS)
    aws.client("rds").stop_db_instance(DBInstanceIdentifier="resting-db")
    create_cluster(aws.client("rds"), "ledger", members=2)
    make_cache(aws, "sessions", [{"Key": "app", "Value": "shop"}])
    for name in ("orders", "carts"):
        make_role(aws, name)


def targets_of(aws: BotoClients, kind: str) -> tuple[Resource, ...]:
    """What of that type may be hit."""
    return resolve(Target.model_validate({"type": kind, "tags": TAGS}), aws, seed=1)


def picture(aws: BotoClients) -> dict[str, Any]:
    """All that AWS tells of everything, but for what it changes itself (`NOT_STATE`)."""
    return {
        f"{service} {operation} {what}": _plain(_ask(aws, service, operation, **what))
        for service, operation, what in _questions(aws)
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is different between two pictures, for people; empty where nothing is."""
    return "\n".join(unified_diff(_lines(before), _lines(now), n=2)) if before != now else ""


def _questions(aws: BotoClients) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each describe call there is for what is in the account.

    But for EC2's DescribeTags: each description has its tags, and moto goes on listing those of
    what was deleted.
    """
    for operation in (
        "describe_instances",
        "describe_network_acls",
        "describe_network_interfaces",
        "describe_subnets",
        "describe_volumes",
        "describe_vpcs",
    ):
        yield "ec2", operation, {}
    yield "autoscaling", "describe_auto_scaling_groups", {}
    yield "autoscaling", "describe_auto_scaling_instances", {}
    yield "rds", "describe_db_instances", {}
    yield "rds", "describe_db_clusters", {}
    yield "elasticache", "describe_replication_groups", {}
    yield "elasticache", "describe_cache_clusters", {}
    yield "scheduler", "list_schedules", {}
    yield "iam", "get_account_authorization_details", {"Filter": ["Role", "LocalManagedPolicy"]}
    yield "elbv2", "describe_target_groups", {}
    groups = aws.client("elbv2").describe_target_groups()["TargetGroups"]
    for arn in (group["TargetGroupArn"] for group in groups):
        yield "elbv2", "describe_target_health", {"TargetGroupArn": arn}
        yield "elbv2", "describe_tags", {"ResourceArns": [arn]}


def _ask(aws: BotoClients, service: str, operation: str, **what: Any) -> Any:
    client = aws.client(service)
    if client.can_paginate(operation):
        return client.get_paginator(operation).paginate(**what).build_full_result()
    return getattr(client, operation)(**what)


def _lines(seen: Mapping[str, Any]) -> list[str]:
    return json.dumps(seen, default=str, indent=1).splitlines()


def _plain(value: Any) -> Any:
    """In an order of its own, as AWS promises none, and without what is not state."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value) if key not in NOT_STATE}
    if isinstance(value, list | tuple):
        return sorted(map(_plain, value), key=lambda one: json.dumps(one, default=str))
    return value

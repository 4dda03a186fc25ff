"""The RDS actions against an AWS API that keeps records only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chaos.actions.action import CannotRevert
from chaos.actions.rds import FailOverDbCluster, RebootDbInstances, StopDbInstances
from chaos.aws.clients import BotoClients
from chaos.aws.resources import RESOURCE_KINDS, Resource
from chaos.aws.targets import resolve
from chaos.model.experiment import Target

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

DATABASE = "aws:rds:db"
CLUSTER = "aws:rds:cluster"


@pytest.fixture
def rds(aws: BotoClients) -> Iterator[RDSClient]:
    """RDS with nothing in it, before and after."""
    client: RDSClient = aws.client("rds")
    yield client
    for instance in client.describe_db_instances()["DBInstances"]:
        client.delete_db_instance(
            DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True
        )
    for cluster in client.describe_db_clusters()["DBClusters"]:
        client.delete_db_cluster(
            DBClusterIdentifier=cluster["DBClusterIdentifier"], SkipFinalSnapshot=True
        )


def create(rds: RDSClient, name: str, **tags: str) -> None:
    """A Multi-AZ DB instance of that name."""
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.small",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="shop",
        MasterUserPassword="not-a-secret",
        MultiAZ=True,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def create_cluster(rds: RDSClient, name: str, members: int) -> None:
    """A cluster with so many instances."""
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="shop",
        MasterUserPassword="not-a-secret",
        Tags=[{"Key": "app", "Value": "shop"}],
    )
    for number in range(1, members + 1):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{number}",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier=name,
        )


def find(aws: BotoClients, kind: str, **declared: object) -> tuple[Resource, ...]:
    """What a target means."""
    return resolve(Target.model_validate({"type": kind, **declared}), aws, seed=1)


def status_of(rds: RDSClient, name: str) -> str:
    """What DescribeDBInstances says of one."""
    answer = rds.describe_db_instances(DBInstanceIdentifier=name)
    return answer["DBInstances"][0]["DBInstanceStatus"]


def test_a_database_is_found_by_tag_id_arn_and_filter(aws: BotoClients, rds: RDSClient) -> None:
    """RDS itself can look for neither tags nor several ids at once."""
    create(rds, "shop-db", app="shop", Name="the shop's")
    create(rds, "other-db", app="other")
    (found,) = find(aws, DATABASE, tags={"app": "shop"})
    assert (found.id, found.name) == ("shop-db", "the shop's")
    assert found.zone == found.description["AvailabilityZone"]
    by_arn = find(aws, DATABASE, ids=[found.description["DBInstanceArn"]])
    assert [one.id for one in by_arn] == ["shop-db"]
    assert len(find(aws, DATABASE, filters={"MultiAZ": "True"})) == 2
    assert not find(aws, DATABASE, tags={"app": "shop"}, ids=["other-db"])


def test_a_database_beyond_the_first_page_is_found(aws: BotoClients, rds: RDSClient) -> None:
    """RDS answers a hundred at a time."""
    for number in range(101):
        create(rds, f"db-{number}", number=str(number))
    assert [one.id for one in find(aws, DATABASE, tags={"number": "100"})] == ["db-100"]


def test_a_cluster_is_found_and_its_instances_are_members_of_it(
    aws: BotoClients, rds: RDSClient
) -> None:
    """So a blast radius can be a share of the cluster."""
    create_cluster(rds, "orders", members=3)
    (cluster,) = find(aws, CLUSTER, tags={"app": "shop"})
    assert cluster.id == "orders"
    assert {one.group for one in find(aws, DATABASE)} == {"orders"}
    assert RESOURCE_KINDS[DATABASE].group_size(aws, "orders") == 3


def test_stopped_databases_are_started_again(aws: BotoClients, rds: RDSClient) -> None:
    """Only those that were available; one that was stopped before stays so."""
    create(rds, "runs")
    create(rds, "rests")
    rds.stop_db_instance(DBInstanceIdentifier="rests")
    action = StopDbInstances(aws, {})
    targets = find(aws, DATABASE)
    state = action.capture(targets)
    action.inject(targets, state)
    assert action.injected(targets, state)
    assert status_of(rds, "runs") == "stopped"
    assert not action.verify(state)
    for _ in range(2):  # It may be called again.
        action.revert(state)
    assert action.verify(state)
    assert (status_of(rds, "runs"), status_of(rds, "rests")) == ("available", "stopped")


def test_a_deleted_database_cannot_be_started(aws: BotoClients, rds: RDSClient) -> None:
    """The others are, before it is said."""
    create(rds, "stays")
    create(rds, "goes")
    action = StopDbInstances(aws, {})
    targets = find(aws, DATABASE)
    state = action.capture(targets)
    action.inject(targets, state)
    rds.delete_db_instance(DBInstanceIdentifier="goes", SkipFinalSnapshot=True)
    with pytest.raises(CannotRevert, match="goes"):
        action.revert(state)
    assert status_of(rds, "stays") == "available"


def test_a_reboot_names_each_database_in_the_plan(aws: BotoClients, rds: RDSClient) -> None:
    """With the failover only where it is asked for, in FIS's own spelling."""
    create(rds, "shop-db")
    targets = find(aws, DATABASE)
    plain, forced = (
        RebootDbInstances(aws, parameters) for parameters in ({}, {"forceFailover": True})
    )
    state = plain.capture(targets)
    assert str(*plain.inject_calls(targets, state)) == (
        "rds:reboot_db_instance(DBInstanceIdentifier=shop-db)"
    )
    assert str(*forced.inject_calls(targets, state)) == (
        "rds:reboot_db_instance(DBInstanceIdentifier=shop-db, ForceFailover=True)"
    )
    plain.inject(targets, state)
    assert plain.injected(targets, state)


def test_a_failover_is_there_when_the_zone_has_changed(aws: BotoClients, rds: RDSClient) -> None:
    """Accepting the call is not yet a failover."""
    create(rds, "shop-db")
    targets = find(aws, DATABASE)
    action = RebootDbInstances(aws, {"forceFailover": True})
    state = action.capture(targets)
    action.inject(targets, state)
    assert not action.injected(targets, state)
    elsewhere = state.model_copy(update={"zones": {"shop-db": "us-east-1f"}})
    assert action.injected(targets, elsewhere)


def test_a_cluster_fails_over_to_another_writer(aws: BotoClients, rds: RDSClient) -> None:
    """It is there when another instance writes."""
    create_cluster(rds, "orders", members=2)
    targets = find(aws, CLUSTER)
    action = FailOverDbCluster(aws, {})
    state = action.capture(targets)
    assert state.writers == {"orders": "orders-1"}
    assert not action.injected(targets, state)
    action.inject(targets, state)
    assert action.injected(targets, state)

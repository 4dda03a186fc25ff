"""The faults of caches: what they hit, what they call, and that they really happen."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.actions.action import Action, ApiCall
from chaos.actions.elasticache import InterruptAzPower, RebootCacheClusters, TestFailover
from chaos.actions.registry import Registry
from chaos.aws.clients import BotoClients
from chaos.aws.resources import RESOURCE_KINDS, Resource
from chaos.aws.targets import resolve
from chaos.model.experiment import Target
from tests.eventually import eventually
from tests.lab_caches import GROUP, Cache

KIND = "aws:elasticache:replicationgroup"
NODES = "aws:elasticache:cluster"
TAGS = [{"Key": "app", "Value": "shop"}]
MORE_THAN_A_PAGE = 103


def make_group(aws: BotoClients, name: str, tags: Any = (), **wanted: Any) -> None:
    """A replication group with a primary in us-east-1a and a replica in us-east-1b."""
    aws.client("elasticache").create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription=name,
        PreferredCacheClusterAZs=["us-east-1a", "us-east-1b"],
        ReplicasPerNodeGroup=1,
        AutomaticFailoverEnabled=True,
        Tags=list(tags),
        **wanted,
    )


def find(aws: BotoClients, kind: str = KIND, **declared: object) -> tuple[Resource, ...]:
    """What a target means."""
    return resolve(Target.model_validate({"type": kind, **declared}), aws, seed=1)


def calls_of(action: Action, targets: tuple[Resource, ...]) -> list[str]:
    """What it would call, in words."""
    calls: list[ApiCall] = action.inject_calls(targets, action.capture(targets))
    return [str(call) for call in calls]


def failover_of(group: str, shard: str = "0001") -> str:
    """A TestFailover, in words."""
    return f"elasticache:test_failover(ReplicationGroupId={group}, NodeGroupId={shard})"


def reboot_of(cluster: str) -> str:
    """A RebootCacheCluster, in words."""
    only = "CacheNodeIdsToReboot=['0001']"
    return f"elasticache:reboot_cache_cluster(CacheClusterId={cluster}, {only})"


def test_the_actions_are_known_by_their_ids() -> None:
    """And what they work on can be a target."""
    for kind in (TestFailover, RebootCacheClusters, InterruptAzPower):
        assert Registry().find_action(kind.id) is kind
        assert kind.resource in RESOURCE_KINDS


def test_groups_are_found_by_tag_id_and_arn(aws: BotoClients) -> None:
    """Each in the zone of its primary, with its Name."""
    make_group(aws, "one", [*TAGS, {"Key": "Name", "Value": "The one"}])
    make_group(aws, "two")
    (one,) = find(aws, tags={"app": "shop"})
    assert (one.id, one.name, one.zone, one.group) == ("one", "The one", "us-east-1a", None)
    (two,) = find(aws, ids=["two"])
    assert two.name == ""
    assert find(aws, ids=[two.description["ARN"]]) == (two,)
    assert find(aws, ids=["two"], tags={"app": "shop"}) == ()
    assert find(aws, ids=["one", "two"], filters={"Status": ["deleting"]}) == ()


def test_groups_are_found_on_every_page(aws: BotoClients) -> None:
    """However many there are."""
    for number in range(MORE_THAN_A_PAGE):
        make_group(aws, f"group-{number}")
    found = RESOURCE_KINDS[KIND].find(aws, (), {})
    assert sum(1 for _ in found) == MORE_THAN_A_PAGE


def test_single_clusters_are_targets_too(aws: BotoClients) -> None:
    """They are in no group."""
    aws.client("elasticache").create_cache_cluster(
        CacheClusterId="single", CacheNodeType="cache.t4g.micro", Engine="memcached", Tags=TAGS
    )
    (single,) = find(aws, NODES, tags={"app": "shop"})
    assert (single.id, single.group) == ("single", None)
    assert calls_of(RebootCacheClusters(aws, {}), (single,)) == [reboot_of("single")]


def test_a_failover_is_of_the_shard_that_was_named(aws: BotoClients) -> None:
    """The first one, where none is; a plan changes nothing."""
    make_group(aws, "one")
    (one,) = find(aws, ids=["one"])
    assert calls_of(TestFailover(aws, {}), (one,)) == [failover_of("one")]
    named = TestFailover(aws, {"nodeGroupId": "0002"})
    assert calls_of(named, (one,)) == [failover_of("one", "0002")]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("us-east-1a", [failover_of("one")]),
        (
            "us-east-1b",
            [reboot_of("one-002")],
        ),
        ("us-east-1c", []),
    ],
)
def test_a_power_interruption_hits_what_is_in_the_zone(
    aws: BotoClients, zone: str, expected: list[str]
) -> None:
    """A primary fails over, a replica reboots, and what is elsewhere is left alone."""
    make_group(aws, "one")
    targets = find(aws, ids=["one"])
    assert calls_of(InterruptAzPower(aws, {"availabilityZoneIdentifier": zone}), targets) == (
        expected
    )


def test_shards_without_roles_fail_over_where_they_have_a_node(aws: BotoClients) -> None:
    """With cluster mode enabled AWS does not tell which node is the primary."""
    make_group(aws, "sharded", ClusterMode="enabled", NumNodeGroups=2)
    (group,) = find(aws, ids=["sharded"])
    assert group.zone is None
    action = InterruptAzPower(aws, {"availabilityZoneIdentifier": "us-east-1a"})
    assert calls_of(action, (group,)) == [
        failover_of("sharded", "0001"),
        failover_of("sharded", "0002"),
    ]
    state = TestFailover(aws, {}).capture((group,))
    assert TestFailover(aws, {}).injected((group,), state), "its acceptance is all there is"


def perform(action: Action, targets: tuple[Resource, ...]) -> None:
    """Inject a fault, and return once AWS confirms it."""
    state = action.capture(targets)
    action.inject(targets, state)
    eventually(lambda: action.injected(targets, state), within=15, what="it is confirmed")


@pytest.mark.lab
def test_a_failover_really_happens(cache: Cache) -> None:
    """It is confirmed once the other node is the primary."""
    before = cache.primary()
    perform(TestFailover(cache.clients, {}), find(cache.clients, tags={"app": "shop"}))
    assert cache.primary() != before
    eventually(cache.answers, within=5, what="the new primary answers")


@pytest.mark.lab
def test_a_power_interruption_of_the_primarys_zone_really_moves_it(cache: Cache) -> None:
    """By the same call; the replica's zone is left alone."""
    (group,) = find(cache.clients, ids=[GROUP])
    perform(InterruptAzPower(cache.clients, {"availabilityZoneIdentifier": group.zone}), (group,))
    (after,) = find(cache.clients, ids=[GROUP])
    assert after.zone != group.zone


@pytest.mark.lab
def test_a_reboot_really_ends_a_process(cache: Cache) -> None:
    """Of the replica, found by its role; the primary goes on."""
    pids = {role: cache.pid_of(role) for role in ("primary", "replica")}
    targets = find(cache.clients, NODES, tags={"app": "shop"}, filters={"CurrentRole": ["replica"]})
    assert [target.group for target in targets] == [GROUP]
    assert RESOURCE_KINDS[NODES].group_size(cache.clients, GROUP) == len(pids)
    perform(RebootCacheClusters(cache.clients, {}), targets)
    eventually(lambda: not cache.is_whole(), within=5, what="it reboots")
    cache.await_whole()
    assert cache.pid_of("replica") != pids["replica"]
    assert cache.pid_of("primary") == pids["primary"]

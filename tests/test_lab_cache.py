"""The lab's cache: what the API says of it, what kills it, and what the shop notices."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from valkey import exceptions as valkey_errors

from chaos.actions.network import DisruptConnectivity
from chaos.aws.targets import resolve
from chaos.lab import handle
from chaos.lab.processes import living
from chaos.lab.truth import TruthKind
from chaos.model.experiment import Target
from tests.eventually import eventually
from tests.lab_caches import GROUP, Cache, connect_to

pytestmark = pytest.mark.lab

MOVED_WITHIN = 15.0


@contextmanager
def dark(cache: Cache, zone: str) -> Iterator[None]:
    """A zone whose subnet lets nothing in or out."""
    target = Target.model_validate(
        {
            "type": "aws:ec2:subnet",
            "tags": {"app": "shop"},
            "filters": {"AvailabilityZone": [zone]},
            "select": "all",
        }
    )
    action = DisruptConnectivity(cache.clients, {"scope": "all"})
    subnets = resolve(target, cache.clients, seed=1)
    state = action.capture(subnets)
    action.inject(subnets, state)
    try:
        yield
    finally:
        action.revert(state)
        assert action.verify(state)


def events_since(cache: Cache, began: datetime) -> list[str]:
    """What DescribeEvents tells since then."""
    answer = cache.api.describe_events(
        SourceIdentifier=GROUP,
        SourceType="replication-group",
        StartTime=began,
        EndTime=datetime.now(UTC) + timedelta(seconds=5),
    )
    return [event["Message"] for event in answer["Events"]]


def await_another_primary(cache: Cache, before: str) -> None:
    """Return once another node is the primary, and writable through the endpoint."""
    eventually(
        lambda: cache.primary() != before and cache.answers(),
        within=MOVED_WITHIN,
        what="another primary",
    )


def fill(cache: Cache, product_id: int, name: str) -> None:
    """Put a product into the cache that the database does not have so."""
    forged = [{"id": product_id, "name": name, "price_cents": 1}]
    cache.client().set(f"product:{product_id}", json.dumps(forged), ex=60)


def test_the_group_is_described_as_aws_describes_one(cache: Cache) -> None:
    """A primary and a replica in two zones, as clusters as well, and endpoints that answer."""
    group = cache.describe()
    assert group["AutomaticFailover"] == group["MultiAZ"] == "enabled"
    assert len(group["MemberClusters"]) == 2
    members = cache.members()
    zones = {one["PreferredAvailabilityZone"] for one in members.values()}
    assert len(zones) == 2
    clusters = {
        one["CacheClusterId"]: one
        for one in cache.api.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    }
    assert set(clusters) == set(group["MemberClusters"])
    for member in members.values():
        cluster = clusters[member["CacheClusterId"]]
        assert cluster["CacheClusterStatus"] == "available"
        assert cluster["PreferredAvailabilityZone"] == member["PreferredAvailabilityZone"]
        assert cluster["CacheNodes"][0]["Endpoint"] == member["ReadEndpoint"]
    assert cache.client().info("replication")["role"] == "master"
    assert cache.client("ReaderEndpoint").info("replication")["role"] == "slave"


def test_the_shop_serves_product_pages_from_the_cache(cache: Cache) -> None:
    """What the cache has is what shoppers see, until it expires."""
    fill(cache, 11, "forged")
    assert json.loads(cache.lab.get("/products/11").body)["name"] == "forged"
    assert json.loads(cache.lab.get("/products/12").body)["name"] != "forged"
    kept = json.loads(cache.client().get("product:12") or b"[]")
    assert kept[0]["id"] == 12
    assert 0 < cache.client().ttl("product:12") <= 5
    cache.client().delete("product:11")


def test_a_dead_primary_is_replaced_by_its_replica(cache: Cache) -> None:
    """The endpoint moves, what was replicated is there, and the old zone has a replica again."""
    before = cache.members()
    began = datetime.now(UTC)
    cache.client().set("kept", "yes")
    assert cache.client().wait(1, 1000) == 1
    os.kill(cache.pid_of("primary"), signal.SIGKILL)
    await_another_primary(cache, before["primary"]["CacheClusterId"])
    assert cache.client().get("kept") == b"yes"
    cache.await_whole()
    after = cache.members()
    old = before["primary"]
    for key in ("CacheClusterId", "PreferredAvailabilityZone", "ReadEndpoint"):
        assert after["replica"][key] == old[key]
    eventually(
        lambda: cache.client("ReaderEndpoint").get("kept") == b"yes", within=5, what="replicated"
    )
    told = events_since(cache, began)
    assert any(text.startswith("Failover from primary node") for text in told)


def test_failover_can_be_tested_by_the_api(cache: Cache) -> None:
    """TestFailover does the same; while it is under way the group is modifying."""
    before = cache.primary()
    cache.api.test_failover(ReplicationGroupId=GROUP, NodeGroupId="0001")
    assert cache.describe()["Status"] == "modifying"
    with pytest.raises(ClientError, match="InvalidReplicationGroupState"):
        cache.api.test_failover(ReplicationGroupId=GROUP, NodeGroupId="0001")
    with pytest.raises(ClientError, match="NodeGroupNotFoundFault"):
        cache.api.test_failover(ReplicationGroupId=GROUP, NodeGroupId="0002")
    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        cache.api.test_failover(ReplicationGroupId="nobody", NodeGroupId="0001")
    await_another_primary(cache, before)


def test_a_rebooted_primary_stays_the_primary_and_is_empty(cache: Cache) -> None:
    """As on AWS: a reboot that was asked for is no failure, and a cache keeps nothing on disk."""
    before = cache.primary()
    pid = cache.pid_of("primary")
    cache.client().set("lost", "yes")
    cache.api.reboot_cache_cluster(CacheClusterId=before, CacheNodeIdsToReboot=["0001"])
    eventually(lambda: not cache.is_whole(), within=5, what="it reboots")
    cache.await_whole()
    assert cache.primary() == before
    assert cache.pid_of("primary") != pid
    for endpoint in ("PrimaryEndpoint", "ReaderEndpoint"):
        assert cache.client(endpoint).get("lost") is None
    with pytest.raises(ClientError, match="CacheClusterNotFound"):
        cache.api.reboot_cache_cluster(CacheClusterId="nobody", CacheNodeIdsToReboot=["0001"])


def test_a_cache_that_hangs_neither_stops_the_shop_nor_stays_the_primary(cache: Cache) -> None:
    """Its process is there but says nothing; woken up, it is a replica of the new primary."""
    before, pid = cache.primary(), cache.pid_of("primary")
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(12):
            assert cache.lab.get("/products/1", timeout=2).status == 200
        await_another_primary(cache, before)
    finally:
        os.kill(pid, signal.SIGCONT)
    cache.await_whole()
    assert cache.members()["replica"]["CacheClusterId"] == before
    assert cache.pid_of("replica") == pid


def test_the_shop_survives_the_loss_of_the_whole_cache(cache: Cache) -> None:
    """Product pages come from the database, and from the cache again once that is back."""
    fill(cache, 13, "forged")
    pids = [cache.pid_of(role) for role in ("primary", "replica")]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for _ in range(12):
        answer = cache.lab.get("/products/13", timeout=2)
        assert answer.status == 200
        assert json.loads(answer.body)["name"] != "forged"
    cache.await_whole()
    assert not {process.pid for process in living()} & set(pids)

    def cached_again() -> bool:
        try:
            fill(cache, 13, "forged")
        except valkey_errors.ConnectionError:  # its endpoint still leads to the dead one
            return False
        return bool(json.loads(cache.lab.get("/products/13").body)["name"] == "forged")

    eventually(cached_again, within=10, what="the shop uses the cache again")
    cache.client().delete("product:13")


def test_a_dark_zone_takes_its_primary_with_it(cache: Cache) -> None:
    """A network ACL that denies all lets the cache fail over; afterwards the node is a replica."""
    before = cache.members()["primary"]
    began = time.time()
    with dark(cache, before["PreferredAvailabilityZone"]):
        await_another_primary(cache, before["CacheClusterId"])
        assert cache.describe()["Status"] == "modifying"
    cache.await_whole()
    assert cache.members()["replica"]["CacheClusterId"] == before["CacheClusterId"]
    events = [one for one in handle.truth(cache.lab.handle, began) if "cache" in one.kind]
    kinds = [one.kind for one in events]
    order = (TruthKind.CACHE_FAILOVER, TruthKind.CACHE_PROMOTED, TruthKind.CACHE_WHOLE)
    assert [kind for kind in kinds if kind in order] == list(order)
    assert TruthKind.CACHE_NODE_DOWN not in kinds, "nobody was killed"


def test_a_group_of_ones_own_comes_and_goes(cache: Cache) -> None:
    """It has servers while it is there, none afterwards, and can be made without a replica."""
    name = "mine"
    cache.api.create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="alone", Engine="valkey"
    )

    def described() -> list[Any]:
        found: list[Any] = cache.api.describe_replication_groups()["ReplicationGroups"]
        return [one for one in found if one["ReplicationGroupId"] == name]

    eventually(lambda: described()[0]["Status"] == "available", within=10, what="available")
    (shard,) = described()[0]["NodeGroups"]
    (member,) = shard["NodeGroupMembers"]
    with pytest.raises(ClientError, match="TestFailoverNotAvailableFault"):
        cache.api.test_failover(ReplicationGroupId=name, NodeGroupId="0001")
    pid = connect_to(member["ReadEndpoint"]["Port"]).info("server")["process_id"]
    cache.api.delete_replication_group(ReplicationGroupId=name)
    eventually(lambda: not described(), within=10, what="it is deleted")
    assert pid not in {process.pid for process in living()}

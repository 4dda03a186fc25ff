"""Faults of caches: one with the name and parameters of AWS FIS, and two that FIS lacks.

Source: AWS FIS User Guide, "AWS FIS actions reference", Amazon ElastiCache actions; Amazon
ElastiCache API Reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from chaos.actions.action import Action, ApiCall, Parameters, State
from chaos.aws.factory import ClientFactory
from chaos.aws.resources import Resource

_ONLY_NODE = "0001"
"""The id that ElastiCache gives the only node of a cluster of Valkey or Redis OSS."""

Shards = Mapping[tuple[str, str], Mapping[str, Any]]
"""AWS's description of each shard, by the ids of its replication group and of itself."""


def _shards_now(clients: ClientFactory, ids: Sequence[str]) -> Shards:
    elasticache = clients.client("elasticache")
    pages = elasticache.get_paginator("describe_replication_groups").paginate()
    return {
        (group["ReplicationGroupId"], shard["NodeGroupId"]): shard
        for page in pages
        for group in page["ReplicationGroups"]
        for shard in group["NodeGroups"]
        if group["ReplicationGroupId"] in ids
    }


def _primary(shard: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The primary of a shard; None where AWS does not tell, as with cluster mode enabled."""
    members = shard["NodeGroupMembers"]
    return next((one for one in members if one.get("CurrentRole") == "primary"), None)


def _in_zone(member: Mapping[str, Any], zone: str) -> bool:
    return bool(member.get("PreferredAvailabilityZone") == zone)


def _test_failover(group: str, shard: str) -> ApiCall:
    return ApiCall(
        "elasticache", "test_failover", {"ReplicationGroupId": group, "NodeGroupId": shard}
    )


def _reboot(cluster: str) -> ApiCall:
    return ApiCall(
        "elasticache",
        "reboot_cache_cluster",
        {"CacheClusterId": cluster, "CacheNodeIdsToReboot": [_ONLY_NODE]},
    )


class TestFailoverParameters(Parameters):
    """As in ElastiCache's TestFailover."""

    __test__ = False  # For pytest: the name is the API's.

    node_group_id: str = Field(
        default=_ONLY_NODE,
        alias="nodeGroupId",
        description="The shard; there is only the default one unless cluster mode is enabled.",
    )


class PrimariesBefore(State):
    """By id of the replication group, the cache cluster that was the shard's primary."""

    primaries: dict[str, str]


class TestFailover(Action):
    """Let replicas of caches become primaries, and the primaries be replaced."""

    __test__ = False  # For pytest: the name is the API's.

    id = "aws:elasticache:test-failover"
    resource = "aws:elasticache:replicationgroup"
    permissions = (
        "elasticache:DescribeReplicationGroups",
        "elasticache:ListTagsForResource",
        "elasticache:TestFailover",
    )
    no_undo = "ElastiCache replaces the old primary by itself, and roles are as good as before"
    Parameters = TestFailoverParameters
    State = PrimariesBefore

    def capture(self, targets: Sequence[Resource]) -> PrimariesBefore:
        """Which cache clusters are the primaries now."""
        return PrimariesBefore(primaries=self._primaries([target.id for target in targets]))

    def inject_calls(
        self,
        targets: Sequence[Resource],
        state: PrimariesBefore,  # noqa: ARG002
    ) -> list[ApiCall]:
        """One TestFailover for each replication group."""
        return [_test_failover(target.id, self.parameters.node_group_id) for target in targets]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: PrimariesBefore,
    ) -> bool:
        """Whether each has another primary.

        Where AWS does not tell who that is (cluster mode enabled), the call's acceptance is enough.
        """
        now = self._primaries(list(state.primaries))
        return all(now.get(group) != primary for group, primary in state.primaries.items())

    def _primaries(self, groups: Sequence[str]) -> dict[str, str]:
        found = _shards_now(self.clients, groups)
        return {
            group: primary["CacheClusterId"]
            for (group, shard), description in found.items()
            if shard == self.parameters.node_group_id and (primary := _primary(description))
        }


class RebootCacheClusters(Action):
    """Reboot cache nodes, whose data is gone then; a rebooted primary stays the primary."""

    id = "aws:elasticache:reboot-cache-clusters"
    resource = "aws:elasticache:cluster"
    permissions = (
        "elasticache:DescribeCacheClusters",
        "elasticache:DescribeReplicationGroups",
        "elasticache:ListTagsForResource",
        "elasticache:RebootCacheCluster",
    )
    no_undo = "a cache node comes back from a reboot by itself, empty"

    def inject_calls(
        self,
        targets: Sequence[Resource],
        state: State,  # noqa: ARG002
    ) -> list[ApiCall]:
        """One RebootCacheCluster for each; it is over too soon for its status to confirm it."""
        return [_reboot(target.id) for target in targets]


class InterruptAzPowerParameters(Parameters):
    """As in FIS, where the zone is a parameter of the target."""

    zone: str = Field(
        alias="availabilityZoneIdentifier",
        description="The Availability Zone whose cache nodes are to be lost.",
    )


class NodesInZone(State):
    """What of the targets is in the zone."""

    shards: tuple[tuple[str, str], ...]
    """Those with their primary there, by the ids of replication group and shard."""
    replicas: tuple[str, ...]
    """Ids of the cache clusters."""


class InterruptAzPower(Action):
    """Take down the cache nodes of one Availability Zone, as far as the public API can.

    FIS cuts the power of the nodes in the zone and keeps them from being replaced there for the
    action's duration, by means that only FIS has. What comes nearest in ElastiCache's public API is
    done here: each shard whose primary is in the zone fails over (TestFailover), and each replica
    in the zone reboots. So the nodes are lost at the same moment and failover is as real, but
    ElastiCache brings them back in the same zone as soon as it can, whatever the duration.

    With cluster mode enabled AWS tells no roles and reboots no nodes; there each shard that has a
    node in the zone fails over.
    """

    id = "aws:elasticache:replicationgroup-interrupt-az-power"
    resource = "aws:elasticache:replicationgroup"
    permissions = (
        "elasticache:DescribeReplicationGroups",
        "elasticache:ListTagsForResource",
        "elasticache:RebootCacheCluster",
        "elasticache:TestFailover",
    )
    no_undo = "ElastiCache brings the nodes back by itself; only FIS can keep it from that"
    Parameters = InterruptAzPowerParameters
    State = NodesInZone

    def capture(self, targets: Sequence[Resource]) -> NodesInZone:
        """What of the targets is in the zone now."""
        shards = _shards_now(self.clients, [target.id for target in targets])
        return NodesInZone(
            shards=tuple(ids for ids, shard in shards.items() if self._is_hit(shard)),
            replicas=tuple(name for shard in shards.values() for name in self._replicas(shard)),
        )

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: NodesInZone,
    ) -> list[ApiCall]:
        """TestFailover of the shards with their primary there, RebootCacheCluster of replicas."""
        failovers = [_test_failover(group, shard) for group, shard in state.shards]
        return [*failovers, *(_reboot(replica) for replica in state.replicas)]

    def injected(
        self,
        targets: Sequence[Resource],
        state: NodesInZone,  # noqa: ARG002
    ) -> bool:
        """Whether no shard has its primary in the zone any more."""
        now = _shards_now(self.clients, [target.id for target in targets])
        primaries = [primary for shard in now.values() if (primary := _primary(shard))]
        return not any(_in_zone(primary, self.parameters.zone) for primary in primaries)

    def _is_hit(self, shard: Mapping[str, Any]) -> bool:
        primary = _primary(shard)
        candidates = [primary] if primary else shard["NodeGroupMembers"]
        return any(_in_zone(member, self.parameters.zone) for member in candidates)

    def _replicas(self, shard: Mapping[str, Any]) -> Iterator[str]:
        for member in shard["NodeGroupMembers"]:
            is_replica = member.get("CurrentRole") == "replica"
            if is_replica and _in_zone(member, self.parameters.zone):
                yield member["CacheClusterId"]

"""ElastiCache's replication groups.

AWS: a group's nodes are cache clusters that can be described and rebooted, its status and the roles
of its nodes change in a failover, which TestFailover causes and DescribeEvents tells of.
moto: NumCacheClusters makes one node whatever it says, the nodes cannot be described as clusters,
roles never change, a deleted group stays, and TestFailover, RebootCacheCluster and DescribeEvents
are missing. Here the calls record what is wanted, and `chaos.lab.cache` does it and sets the rest.
"""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.elasticache.exceptions import (
    CacheClusterNotFound,
    ElastiCacheException,
    ReplicationGroupNotFound,
)
from moto.elasticache.models import CacheCluster, ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse

from chaos.lab.overlays.wrapping import around

NODE = "0001"
"""The id of the one node that a cluster of Valkey has, and of the one shard of a group."""

_MOST_EVENTS = 1000
_EVENTS_BY_DEFAULT = timedelta(hours=1)


class NodeGroupNotFound(ElastiCacheException):  # type: ignore[misc]  # moto ships no types
    """There is no such shard."""

    code = "NodeGroupNotFoundFault"


class InvalidGroupState(ElastiCacheException):  # type: ignore[misc]  # moto ships no types
    """The group is not available just now."""

    code = "InvalidReplicationGroupState"


class InvalidClusterState(ElastiCacheException):  # type: ignore[misc]  # moto ships no types
    """The cluster is not available just now."""

    code = "InvalidCacheClusterState"


class FailoverNotAvailable(ElastiCacheException):  # type: ignore[misc]  # moto ships no types
    """The group has no automatic failover, or nothing to fail over to."""

    code = "TestFailoverNotAvailableFault"


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    source: str
    kind: str
    message: str

    def to_api(self) -> dict[str, Any]:
        return {
            "SourceIdentifier": self.source,
            "SourceType": self.kind,
            "Message": self.message,
            "Date": datetime.fromtimestamp(self.at, UTC).replace(tzinfo=None),
        }


class CacheEvents:
    """What DescribeEvents tells."""

    def __init__(self) -> None:
        self._events: deque[_Event] = deque(maxlen=_MOST_EVENTS)

    def note(self, group: Any, message: str) -> None:
        """Something has happened to one of moto's replication groups."""
        name = group.replication_group_id
        self._events.append(_Event(time.time(), name, "replication-group", message))

    def found(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Those that DescribeEvents asks for with these parameters, the oldest first."""
        minutes = asked.get("Duration")
        lasting = timedelta(minutes=int(minutes)) if minutes else _EVENTS_BY_DEFAULT
        until = _utc(asked.get("EndTime"))
        since = _utc(asked.get("StartTime")) if asked.get("StartTime") else until - lasting
        return [
            event.to_api()
            for event in list(self._events)
            if asked.get("SourceIdentifier") in (None, event.source)
            and asked.get("SourceType") in (None, event.kind)
            and since.timestamp() <= event.at <= until.timestamp()
        ]


def install() -> CacheEvents:
    """Change moto's replication groups; returns the events it will tell of."""
    events = CacheEvents()

    @around(ElastiCacheBackend, "create_replication_group")
    def create(original: Any, backend: Any, **wanted: Any) -> Any:
        clusters = wanted.get("num_cache_clusters")
        if clusters and not wanted.get("replicas_per_node_group"):
            wanted["replicas_per_node_group"] = int(clusters) - 1
        group = original(backend, **wanted)
        if is_simulated(group):
            group.status = "creating"
            _describe_as_clusters(backend, group)
            events.note(group, f"Replication group {group.replication_group_id} created")
        return group

    def test_failover(response: Any) -> ActionResult:
        asked = response._get_params()  # noqa: SLF001 - moto's own
        group = _group(response.elasticache_backend, asked["ReplicationGroupId"])
        _refuse_failover(group, asked["NodeGroupId"])
        group.lab_failovers = failovers_of(group) + 1
        group.status = "modifying"
        events.note(group, f"Test Failover API called for node group {asked['NodeGroupId']}")
        return ActionResult({"ReplicationGroup": group})

    def reboot(response: Any) -> ActionResult:
        name = response._get_param("CacheClusterId")  # noqa: SLF001 - moto's own
        cluster = response.elasticache_backend.cache_clusters.get(name)
        if cluster is None:
            raise CacheClusterNotFound(name)
        if cluster.cache_cluster_status != "available":
            raise InvalidClusterState(f"Cache cluster {name} is not in available state.")
        cluster.lab_reboots = reboots_of(cluster) + 1
        cluster.cache_cluster_status = "rebooting cluster nodes"
        return ActionResult({"CacheCluster": cluster})

    def describe_events(response: Any) -> ActionResult:
        return ActionResult({"Events": events.found(response._get_params())})  # noqa: SLF001 - moto's own

    ElastiCacheResponse.test_failover = test_failover  # Calls that moto does not have.
    ElastiCacheResponse.reboot_cache_cluster = reboot
    ElastiCacheResponse.describe_events = describe_events
    return events


def is_simulated(group: Any) -> bool:
    """Whether the lab has servers for one of moto's groups."""
    return str(group.cluster_mode) != "enabled"


def members_of(group: Any) -> list[dict[str, Any]]:
    """The members of a group's one shard, as moto has them."""
    found: list[dict[str, Any]] = group.node_groups[0]["node_group_members"]
    return found


def failovers_of(group: Any) -> int:
    """How often the group was told to fail over."""
    return getattr(group, "lab_failovers", 0)


def reboots_of(cluster: Any) -> int:
    """How often the cluster was told to reboot."""
    return getattr(cluster, "lab_reboots", 0)


def forget(backend: Any, group: Any) -> None:
    """Remove a group and its clusters."""
    for cluster_id in group.member_clusters:
        backend.cache_clusters.pop(cluster_id, None)
    backend.replication_groups.pop(group.replication_group_id, None)


def set_endpoints(group: Any, primary: int, reader: int) -> None:
    """Let the API name these ports of 127.0.0.1 as the group's endpoints."""
    (shard,) = group.node_groups
    shard["primary_endpoint"] = {"address": "127.0.0.1", "port": primary}
    shard["reader_endpoint"] = {"address": "127.0.0.1", "port": reader}


def set_node_status(backend: Any, member: Mapping[str, Any], status: str) -> None:
    """Let the API tell that status of a member."""
    cluster = backend.cache_clusters[member["cache_cluster_id"]]
    cluster.cache_cluster_status = cluster.cache_nodes[0]["cache_node_status"] = status


def set_node_endpoint(backend: Any, member: dict[str, Any], port: int) -> None:
    """Let the API name this port of 127.0.0.1 as the address of a member."""
    endpoint = {"address": "127.0.0.1", "port": port}
    member["read_endpoint"] = endpoint
    cluster = backend.cache_clusters[member["cache_cluster_id"]]
    cluster.cache_nodes[0]["endpoint"] = endpoint


def _describe_as_clusters(backend: Any, group: Any) -> None:
    for member in members_of(group):
        member["cache_node_id"] = NODE
        cluster = _cluster(backend, group, member)
        backend.cache_clusters[cluster.cache_cluster_id] = cluster
        if group.tags:
            backend.tagging_service.tag_resource(cluster.arn, group.tags)


def _cluster(backend: Any, group: Any, member: Mapping[str, Any]) -> Any:
    unsaid = dict.fromkeys(inspect.signature(CacheCluster).parameters)
    said = {
        "account_id": backend.account_id,
        "region_name": backend.region_name,
        "cache_cluster_id": member["cache_cluster_id"],
        "cache_node_type": group.cache_node_type,
        "preferred_availability_zone": member["preferred_availability_zone"],
        "cache_subnet_group_name": group.cache_subnet_group_name,
        "engine": group.engine,
        "engine_version": group.engine_version,
    }
    cluster = CacheCluster(**{**unsaid, **said})
    cluster.replication_group_id = group.replication_group_id
    cluster.num_cache_nodes = 1
    cluster.cache_nodes = [{"cache_node_id": NODE, "cache_node_status": "creating"}]
    cluster.cache_cluster_status = "creating"
    return cluster


def _group(backend: Any, name: str) -> Any:
    group = backend.replication_groups.get(name)
    if group is None:
        raise ReplicationGroupNotFound(name)
    return group


def _refuse_failover(group: Any, shard: str) -> None:
    name = group.replication_group_id
    if shard not in [one["node_group_id"] for one in group.node_groups]:
        raise NodeGroupNotFound(f"Node group {shard} not found in replication group {name}.")
    if group.status != "available":
        raise InvalidGroupState(f"Replication group {name} is not in available state.")
    if group.automatic_failover != "enabled" or len(members_of(group)) < 2:  # noqa: PLR2004 - one must be left
        raise FailoverNotAvailable(f"Automatic failover is not enabled on {name}.")


def _utc(moment: datetime | None) -> datetime:
    if moment is None:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

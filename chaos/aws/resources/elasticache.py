"""Resources of ElastiCache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chaos.aws.factory import ClientFactory
from chaos.aws.resources.kind import Resource, tags_of


class ReplicationGroups:
    """Replication groups, each in the zone of its (first) primary; an id is an id or an ARN."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; DescribeReplicationGroups takes no tags, so each is asked for its."""
        for found in _replication_groups(clients):
            names = (found["ReplicationGroupId"], found["ARN"])
            if not ids or not set(names).isdisjoint(ids):
                its_tags = _tags(clients, found["ARN"])
                if tags.items() <= its_tags.items():
                    name = its_tags.get("Name", "")
                    yield Resource(names[0], _zone_of_primary(found), name, None, found)

    def group_size(
        self,
        clients: ClientFactory,  # noqa: ARG002
        group: str,  # noqa: ARG002
    ) -> int:
        """None: a replication group is a member of nothing."""
        return 0


class CacheClusters:
    """Cache clusters: the nodes of replication groups, and single ones; an id is an id or an ARN.

    To what AWS describes the `CurrentRole` is added, where AWS tells it of the replication group.
    """

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; DescribeCacheClusters takes no tags, so each is asked for its."""
        roles = _roles(clients)
        pages = clients.client("elasticache").get_paginator("describe_cache_clusters").paginate()
        for found in (cluster for page in pages for cluster in page["CacheClusters"]):
            names = (found["CacheClusterId"], found["ARN"])
            if ids and set(names).isdisjoint(ids):
                continue
            its_tags = _tags(clients, found["ARN"])
            if tags.items() <= its_tags.items():
                yield Resource(
                    id=names[0],
                    zone=found.get("PreferredAvailabilityZone"),
                    name=its_tags.get("Name", ""),
                    group=found.get("ReplicationGroupId"),
                    description={**found, **roles.get(names[0], {})},
                )

    def group_size(self, clients: ClientFactory, group: str) -> int:
        """How many nodes the replication group has."""
        found = [one for one in _replication_groups(clients) if one["ReplicationGroupId"] == group]
        return sum(len(one["MemberClusters"]) for one in found)


def _replication_groups(clients: ClientFactory) -> Iterator[dict[str, Any]]:
    elasticache = clients.client("elasticache")
    for page in elasticache.get_paginator("describe_replication_groups").paginate():
        yield from page["ReplicationGroups"]


def _tags(clients: ClientFactory, arn: str) -> dict[str, str]:
    return tags_of(
        clients.client("elasticache").list_tags_for_resource(ResourceName=arn), "TagList"
    )


def _zone_of_primary(group: Mapping[str, Any]) -> str | None:
    """AWS tells no roles where cluster mode is enabled: there the zone is None."""
    for member in _members(group):
        if member.get("CurrentRole") == "primary":
            zone: str | None = member.get("PreferredAvailabilityZone")
            return zone
    return None


def _roles(clients: ClientFactory) -> dict[str, dict[str, str]]:
    return {
        member["CacheClusterId"]: {"CurrentRole": member["CurrentRole"]}
        for group in _replication_groups(clients)
        for member in _members(group)
        if "CurrentRole" in member
    }


def _members(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for shard in group.get("NodeGroups", ()):
        yield from shard.get("NodeGroupMembers", ())

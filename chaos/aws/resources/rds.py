"""Resources of RDS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chaos.aws.factory import ClientFactory
from chaos.aws.resources.kind import Resource, tags_of

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient


class DbInstances:
    """DB instances; an id is an identifier or an ARN."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; the API is RDS's DescribeDBInstances, which takes no tags."""
        rds: RDSClient = clients.client("rds")
        for page in rds.get_paginator("describe_db_instances").paginate():
            for found in page["DBInstances"]:
                names = (found["DBInstanceIdentifier"], found["DBInstanceArn"])
                if _is_wanted(found, names, ids, tags):
                    yield _resource(
                        names[0], found.get("AvailabilityZone"), _cluster_of(found), found
                    )

    def group_size(self, clients: ClientFactory, group: str) -> int:
        """How many DB instances the cluster has."""
        return sum(1 for found in self.find(clients, (), {}) if found.group == group)


class DbClusters:
    """Aurora and Multi-AZ DB clusters, in the zone of their writer; an id may be an ARN."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; the API is RDS's DescribeDBClusters, which takes no tags."""
        rds: RDSClient = clients.client("rds")
        for page in rds.get_paginator("describe_db_clusters").paginate():
            for found in page["DBClusters"]:
                names = (found["DBClusterIdentifier"], found["DBClusterArn"])
                if _is_wanted(found, names, ids, tags):
                    yield _resource(names[0], _zone_of_writer(clients, found), None, found)

    def group_size(
        self,
        clients: ClientFactory,  # noqa: ARG002
        group: str,  # noqa: ARG002
    ) -> int:
        """None: a cluster is a member of nothing."""
        return 0


def _zone_of_writer(clients: ClientFactory, cluster: Mapping[str, Any]) -> str | None:
    """A cluster's own description names several zones, and not which of them the writer is in."""
    members = cluster.get("DBClusterMembers", ())
    writers = [one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]]
    found = DbInstances().find(clients, writers, {}) if writers else ()
    return next((instance.zone for instance in found), None)


def _is_wanted(
    description: Mapping[str, Any],
    names: Sequence[str],
    ids: Sequence[str],
    tags: Mapping[str, str],
) -> bool:
    chosen = not ids or not set(names).isdisjoint(ids)
    return chosen and tags.items() <= tags_of(description, "TagList").items()


def _resource(
    identifier: str, zone: str | None, group: str | None, description: Mapping[str, Any]
) -> Resource:
    name = tags_of(description, "TagList").get("Name", "")
    return Resource(identifier, zone, name, group, description)


def _cluster_of(instance: Mapping[str, Any]) -> str | None:
    return instance.get("DBClusterIdentifier")

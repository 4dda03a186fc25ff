"""The shop's cache, made through the API as a team would."""

from __future__ import annotations

from collections.abc import Sequence

import boto3

GROUP = "shop-cache"

_SUBNETS = "shop-cache"
_TAGS = [{"Key": "app", "Value": "shop"}, {"Key": "Name", "Value": GROUP}]
_NODES = 2


def build(
    session: boto3.Session, endpoint: str, zones: Sequence[str], subnets: Sequence[str]
) -> None:
    """Make a replication group with a primary in the first zone and a replica in the second.

    Raises:
        botocore.exceptions.ClientError: the API refuses something.
    """
    elasticache = session.client("elasticache", endpoint_url=endpoint)
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName=_SUBNETS,
        CacheSubnetGroupDescription="All zones of the shop",
        SubnetIds=list(subnets),
        Tags=_TAGS,
    )
    elasticache.create_replication_group(
        ReplicationGroupId=GROUP,
        ReplicationGroupDescription="Product pages of the shop",
        Engine="valkey",
        CacheNodeType="cache.t4g.small",
        NumCacheClusters=_NODES,
        PreferredCacheClusterAZs=list(zones[:_NODES]),
        CacheSubnetGroupName=_SUBNETS,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        Tags=_TAGS,
    )

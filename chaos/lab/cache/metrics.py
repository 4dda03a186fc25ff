"""What CloudWatch is told of the cache nodes, from what each says of itself.

Source: Amazon ElastiCache User Guide, "Metrics for Valkey and Redis OSS".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from chaos.lab.cache.group import CacheGroup
from chaos.lab.cache.node import CacheNode
from chaos.lab.cloudwatch.metric import Metric, Values
from chaos.lab.cloudwatch.publisher import Measurement

NAMESPACE = "AWS/ElastiCache"

_NODE = "0001"

_NOW = {
    "CurrConnections": ("connected_clients", "Count"),
    "BytesUsedForCache": ("used_memory", "Bytes"),
}
"""By AWS's name: what Valkey calls it, and the unit."""

_COUNTED = {
    "CacheHits": "keyspace_hits",
    "CacheMisses": "keyspace_misses",
    "NewConnections": "total_connections_received",
    "Evictions": "evicted_keys",
}
"""Of these AWS tells what a period has added."""

_CPU = ("used_cpu_user_main_thread", "used_cpu_sys_main_thread")


class CacheMetrics:
    """Asks the nodes; one that does not answer has nothing to say, as on AWS."""

    def __init__(self, groups: Callable[[], Iterable[CacheGroup]]) -> None:
        self._groups = groups
        self._before: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def __call__(self) -> Iterator[Measurement]:
        """What has happened since the last call, and how it is now."""
        for group in self._groups():
            for node in group.nodes:
                info, now = node.server.info(), time.monotonic()
                if info:
                    yield from self._of(node, info, now)
                    self._before[node.id] = now, info

    def _of(self, node: CacheNode, info: Mapping[str, Any], now: float) -> Iterator[Measurement]:
        is_primary = info["role"] == "master"
        for name, (key, unit) in _NOW.items():
            yield from _spread(node, name, info[key], unit)
        yield from _spread(node, "IsPrimary", float(is_primary), "Count")
        yield from _spread(node, "CurrItems", info.get("db0", {}).get("keys", 0), "Count")
        if not is_primary and info["master_link_status"] == "up":
            yield from _spread(
                node, "ReplicationLag", info["master_last_io_seconds_ago"], "Seconds"
            )
        then, before = self._before.get(node.id, (0.0, {}))
        if before.get("run_id") == info["run_id"]:
            yield from _changes(node, before, info, now - then)


def _changes(
    node: CacheNode, before: Mapping[str, Any], info: Mapping[str, Any], seconds: float
) -> Iterator[Measurement]:
    added = {name: info[key] - before[key] for name, key in _COUNTED.items()}
    for name, count in added.items():
        yield from _spread(node, name, count, "Count")
    asked = added["CacheHits"] + added["CacheMisses"]
    if asked:
        yield from _spread(node, "CacheHitRate", 100 * added["CacheHits"] / asked, "Percent")
    busy = sum(info[key] - before[key] for key in _CPU)
    yield from _spread(node, "EngineCPUUtilization", 100 * busy / seconds, "Percent")


def _spread(node: CacheNode, name: str, value: float, unit: str) -> Iterator[Measurement]:
    cluster = {"CacheClusterId": node.id}
    for dimensions in (cluster, {**cluster, "CacheNodeId": _NODE}):
        yield Measurement(Metric.of(NAMESPACE, name, dimensions), Values.one(value), unit)

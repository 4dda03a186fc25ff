"""The cache service: makes servers follow the replication groups that moto has on record."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chaos.lab.cache.group import CacheGroup, Wishes
from chaos.lab.cache.node import CacheNode
from chaos.lab.cache.server import CacheServer
from chaos.lab.cache.wiring import PORT, Wiring
from chaos.lab.network import Network
from chaos.lab.overlays import elasticache as overlay
from chaos.lab.place import Place
from chaos.lab.region import Region
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthLog

OPERATOR = "operator"
"""Whoever uses the endpoints that the API names: somebody on this machine, past any network ACL."""

_PERIOD = 0.05
_OBSERVING_AT_ONCE = 6


class CacheService:
    """All replication groups of the region."""

    def __init__(
        self,
        region: Region,
        network: Network,
        truth: TruthLog,
        directory: Path,
        settings: LabSettings,
    ) -> None:
        self.groups: dict[str, CacheGroup] = {}
        self._region = region
        self._network = network
        self._truth = truth
        self._directory = directory
        self._settings = settings
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(_OBSERVING_AT_ONCE, thread_name_prefix="cache-observer")
        self._thread = threading.Thread(target=self._run, name="cache", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and kill all servers."""
        self._stopped.set()
        self._thread.join()
        self._pool.shutdown()
        for group in self.groups.values():
            for node in group.nodes:
                node.server.scrap()

    def all_available(self) -> bool:
        """Whether every group that was asked for has a primary and all its replicas."""
        with self._region.lock:
            groups = [one for one in self._region.replication_groups() if overlay.is_simulated(one)]
            return all(group.status == "available" for group in groups)

    def admit(self, instance_id: str) -> Mapping[str, str]:
        """The addresses by which an instance reaches the endpoints of all groups there are.

        Those of the group `shop-cache` are `SHOP_CACHE_ENDPOINT` and `SHOP_CACHE_READER_ENDPOINT`.
        """
        found = {}
        with self._lock:
            for name, group in self.groups.items():
                ports = group.wiring.admit(instance_id)
                prefix = name.upper().replace("-", "_")
                found[f"{prefix}_ENDPOINT"] = f"127.0.0.1:{ports['primary']}"
                found[f"{prefix}_READER_ENDPOINT"] = f"127.0.0.1:{ports['reader']}"
        return found

    def dismiss(self, instance_id: str) -> None:
        """Close what was opened for an instance; call it before the network forgets it."""
        with self._lock:
            for group in self.groups.values():
                group.wiring.dismiss(instance_id)

    def _run(self) -> None:
        while not self._stopped.wait(_PERIOD):
            try:
                self._pass()
            except Exception:  # noqa: BLE001 - the next pass sees the same state again
                traceback.print_exc()

    def _pass(self) -> None:
        with self._region.lock:
            records = self._region.replication_groups()
        for record in records:
            group = self.groups.get(record.replication_group_id)
            if record.status == "deleting":
                self._delete(record)
            elif group:
                self._step(group, record)
            elif overlay.is_simulated(record):
                self._create(record)

    def _create(self, record: Any) -> None:
        name = record.replication_group_id
        nodes = [
            CacheNode(
                member["cache_cluster_id"],
                member["preferred_availability_zone"],
                CacheServer(self._directory / member["cache_cluster_id"]),
            )
            for member in overlay.members_of(record)
        ]
        wiring = Wiring(name, nodes, self._network, self._pool)
        group = CacheGroup(name, nodes, wiring, self._settings, self._truth)
        group.start()
        with self._region.lock:
            subnets = self._region.cache_subnets(record)
            places = {
                node.id: self._region.take_address(
                    subnets[node.zone].id, f"ElastiCache {node.id}", PORT
                )
                for node in nodes
                if node.zone in subnets
            }
            blocks = {zone: (one.id, str(one.cidr_block)) for zone, one in subnets.items()}
        wiring.connect(places, blocks)
        self._network.place(OPERATOR, Place("127.0.0.1"))
        ports = wiring.admit(OPERATOR)
        with self._region.lock:
            overlay.set_endpoints(record, ports["primary"], ports["reader"])
            for node, member in zip(nodes, overlay.members_of(record), strict=True):
                port = wiring.port_between(OPERATOR, node.id)
                overlay.set_node_endpoint(self._region.elasticache, member, port)
        with self._lock:
            self.groups[name] = group

    def _step(self, group: CacheGroup, record: Any) -> None:
        with self._region.lock:
            clusters = self._region.elasticache.cache_clusters
            wishes = Wishes(
                automatic_failover=record.automatic_failover == "enabled",
                failovers=overlay.failovers_of(record),
                reboots={node.id: overlay.reboots_of(clusters[node.id]) for node in group.nodes},
            )
        group.step(wishes)
        with self._region.lock:
            self._show(group, record, wishes)

    def _show(self, group: CacheGroup, record: Any, wishes: Wishes) -> None:
        """Let the API tell how things are, unless more has been wanted of them meanwhile."""
        for member, node in zip(overlay.members_of(record), group.nodes, strict=True):
            member["current_role"] = "primary" if node is group.primary else "replica"
            cluster = self._region.elasticache.cache_clusters[node.id]
            if overlay.reboots_of(cluster) == wishes.reboots[node.id]:
                overlay.set_node_status(self._region.elasticache, member, _status_of(node))
        if overlay.failovers_of(record) == wishes.failovers and record.status != "deleting":
            record.status = group.status.value
            record.node_groups[0]["status"] = group.status.value
        for text in group.news:
            self._region.cache_events.note(record, text)
        group.news.clear()

    def _delete(self, record: Any) -> None:
        with self._lock:
            group = self.groups.pop(record.replication_group_id, None)
        if group:
            group.scrap()
        with self._region.lock:
            overlay.forget(self._region.elasticache, record)


def _status_of(node: CacheNode) -> str:
    if node.available:
        return "available"
    return "rebooting cluster nodes" if node.rebooting else "creating"

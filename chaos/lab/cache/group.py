"""One replication group: keeps a primary, its replicas and the endpoints in order."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chaos.lab.cache.node import CacheNode
from chaos.lab.cache.wiring import Wiring
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthKind, TruthLog

_UP = "up"

_SOON = 0.25
"""Seconds, at most, between two looks while something is expected to happen."""


class GroupStatus(StrEnum):
    """The status of a group, as the API names it."""

    CREATING = "creating"
    AVAILABLE = "available"
    MODIFYING = "modifying"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the API wants of a group."""

    automatic_failover: bool
    failovers: int
    """How often it was told to fail over."""
    reboots: Mapping[str, int]
    """How often each node was told to reboot."""


class CacheGroup:
    """A group and its servers; `step` is called again and again, from one thread."""

    def __init__(
        self,
        name: str,
        nodes: Sequence[CacheNode],
        wiring: Wiring,
        settings: LabSettings,
        truth: TruthLog,
    ) -> None:
        self.name = name
        self.nodes = nodes
        self.wiring = wiring
        self.primary = nodes[0]
        self.status = GroupStatus.CREATING
        self.news: list[str] = []
        """Sentences about what has happened, for DescribeEvents; whoever reads them clears them."""
        self._settings = settings
        self._truth = truth
        self._failovers = 0
        self._promote_at: float | None = None
        self._look_at = 0.0

    def start(self) -> None:
        """Start all servers."""
        for node in self.nodes:
            node.come_up()

    def step(self, wishes: Wishes) -> None:
        """Do what is wanted and what is needed now."""
        now = time.monotonic()
        self._reboot(wishes.reboots, now)
        if wishes.failovers > self._failovers:
            self._failovers = wishes.failovers
            self._lose(self.primary, now, "is killed: a failover is tested")
            self._promote_at = now + self._settings.cache_failover_delay
        self._bring_back(wishes, now)
        if now >= self._look_at:
            self._look_at = now + self._interval
            self._observe()
        self._fail_over(wishes, time.monotonic())
        self._arrange()
        self._conclude()

    def scrap(self) -> None:
        """End all of it at once."""
        for node in self.nodes:
            node.server.scrap()
        self.wiring.remove()

    @property
    def replicas(self) -> list[CacheNode]:
        """All nodes but the primary."""
        return [node for node in self.nodes if node is not self.primary]

    @property
    def _interval(self) -> float:
        calm = self.status is GroupStatus.AVAILABLE
        usual = self._settings.cache_check_interval
        return usual if calm else min(usual, _SOON)

    def _reboot(self, wanted: Mapping[str, int], now: float) -> None:
        for node in self.nodes:
            if wanted[node.id] > node.reboots:
                node.reboots = wanted[node.id]
                node.go_down(now + self._settings.cache_reboot_time, rebooting=True)
                self._record(TruthKind.CACHE_NODE_DOWN, node, "is killed: it reboots")

    def _lose(self, node: CacheNode, now: float, why: str) -> None:
        node.go_down(now + self._settings.cache_recovery_delay)
        self._record(TruthKind.CACHE_NODE_DOWN, node, why)

    def _bring_back(self, wishes: Wishes, now: float) -> None:
        """Start what is due, and note what has died by itself.

        A primary that was lost is not started while a replica can take over: it would be empty,
        and make its replicas so.
        """
        for node in self.nodes:
            if node.start_at is None and not node.server.is_running():
                self._lose(node, now, "has died")
            elif node.start_at is not None and node.start_at <= now:
                if node is self.primary and not node.rebooting and self._candidates(wishes):
                    continue
                node.come_up()
                if node is self.primary:
                    self._forget_roles()

    def _forget_roles(self) -> None:
        """An empty primary has come up: its replicas are to copy it again."""
        for node in self.nodes:
            node.follows = None
            node.in_sync = False

    def _observe(self) -> None:
        """Find out which nodes can be reached, and what they say of themselves."""
        reachable = self.wiring.reachable()
        now = time.monotonic()
        for node in self.nodes:
            node.reachable = node.id in reachable and node.start_at is None
            if node.reachable:
                node.missed_since = None
            elif node.missed_since is None:
                node.missed_since = now
            node.in_sync = node.reachable and (node is self.primary or _follows(node.server.info()))

    def _fail_over(self, wishes: Wishes, now: float) -> None:
        lost = self.primary.missed_for(now) >= self._settings.cache_failure_detection
        away_on_purpose = self.primary.rebooting and self.primary.start_at is not None
        excused = away_on_purpose or self.status is GroupStatus.CREATING
        if self._promote_at is None and lost and not excused:
            self._promote_at = now + self._settings.cache_failover_delay
            where = f"in {self.primary.zone} cannot be reached from most zones: failover begins"
            self._record(TruthKind.CACHE_FAILOVER, self.primary, where)
        if self._promote_at is None or now < self._promote_at:
            return
        candidates = self._candidates(wishes)
        if self.primary.reachable and self.primary.in_sync:
            self._promote_at = None  # It has come back meanwhile.
        elif candidates:
            self._promote(max(candidates, key=_progress))

    def _candidates(self, wishes: Wishes) -> list[CacheNode]:
        """The replicas that may be promoted; before the group is complete they may be empty."""
        if self.status is GroupStatus.CREATING or not wishes.automatic_failover:
            return []
        return [node for node in self.replicas if node.reachable]

    def _promote(self, node: CacheNode) -> None:
        if not node.server.replicate(None):
            return  # Tried again at the next step.
        before, self.primary = self.primary, node
        self._promote_at = None
        for other in self.nodes:
            other.follows = None
        node.follows = node.id
        node.in_sync = True
        self._record(TruthKind.CACHE_PROMOTED, node, f"in {node.zone} is the primary now")
        self.news.append(
            f"Failover from primary node {before.id} to replica node {node.id} completed"
        )

    def _arrange(self) -> None:
        """Tell every node that can be reached what it is to be, and lead the endpoints there."""
        for node in self.nodes:
            if (
                node.reachable
                and node.follows != self.primary.id
                and node.server.replicate(self._primary_as_seen_by(node))
            ):
                node.follows = self.primary.id
                node.in_sync = node is self.primary
        readers = [node.id for node in self.replicas if node.available]
        self.wiring.lead([self.primary.id], readers or [self.primary.id])

    def _primary_as_seen_by(self, node: CacheNode) -> int | None:
        if node is self.primary:
            return None
        return self.wiring.port_between(node.id, self.primary.id)

    def _conclude(self) -> None:
        """Set the status, and say so when all is well again."""
        for node in self.nodes:
            node.rebooting = node.rebooting and not node.available
        whole = self._promote_at is None and all(node.available for node in self.nodes)
        if whole and self.status is not GroupStatus.AVAILABLE:
            recovered = self.status is GroupStatus.MODIFYING
            self.status = GroupStatus.AVAILABLE
            self._record(TruthKind.CACHE_WHOLE, None, "has a primary and all its replicas in sync")
            if recovered:
                self.news.append("Finished recovery for cache nodes 0001")
        elif not whole and self.status is GroupStatus.AVAILABLE:
            self.status = GroupStatus.MODIFYING

    def _record(self, kind: TruthKind, node: CacheNode | None, text: str) -> None:
        self._truth.record(kind, node.id if node else self.name, text)


def _follows(info: Mapping[str, Any]) -> bool:
    return info.get("role") == "slave" and info.get("master_link_status") == _UP


def _progress(node: CacheNode) -> int:
    """How far a replica has come; the one that has come farthest loses least."""
    return int(node.server.info().get("slave_repl_offset", -1))

"""What all nodes together know about the health of the targets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from chaos.lab.settings import LabSettings


class HealthView:
    """The health of each registered target, as each node sees it; safe to use from several threads.

    A target is `healthy` once every node sees it so, and `unhealthy` when one of them does not any
    more, or when its first health checks are over without success; until then it is `initial`.
    A node that is cut off has no say: it could call the whole rest of the region unhealthy.
    """

    def __init__(self, nodes: int, settings: LabSettings) -> None:
        self._nodes = nodes
        one_check = max(settings.health_check_interval, settings.health_check_timeout)
        self._initial_for = settings.unhealthy_threshold * one_check
        self._lock = threading.Lock()
        self._registered_at: dict[str, float] = {}
        self._healthy: dict[str, dict[str, bool]] = {}
        self._cut_off: frozenset[str] = frozenset()

    def follow(self, registered: set[str]) -> tuple[set[str], set[str]]:
        """Take note of which targets are registered now, and return those added and removed."""
        with self._lock:
            added = registered - self._registered_at.keys()
            removed = self._registered_at.keys() - registered
            for target in added:
                self._registered_at[target] = time.monotonic()
                self._healthy[target] = {}
            for target in removed:
                del self._registered_at[target], self._healthy[target]
        return added, removed

    def note(self, node: str, target: str, healthy: bool) -> None:
        """Take note of what a node has found out."""
        with self._lock:
            if target in self._healthy:
                self._healthy[target][node] = healthy

    def disregard(self, nodes: Iterable[str]) -> None:
        """Let these nodes, and no others, have no say from now on."""
        with self._lock:
            self._cut_off = frozenset(nodes)

    def state_of(self, target: str) -> str:
        """AWS's word for it: `initial`, `healthy`, `unhealthy`, or `unused` if not registered."""
        with self._lock:
            found = self._healthy.get(target)
            if found is None:
                return "unused"
            said = [healthy for node, healthy in found.items() if node not in self._cut_off]
            if len(said) == self._nodes - len(self._cut_off) and all(said):
                return "healthy"
            age = time.monotonic() - self._registered_at[target]
            tried = not all(said) or age > self._initial_for
            return "unhealthy" if tried else "initial"

    def counts_of(self, node: str) -> tuple[int, int]:
        """How many targets one node sees healthy, and how many it does not, or not any more."""
        with self._lock:
            said = [found[node] for found in self._healthy.values() if node in found]
        return sum(said), len(said) - sum(said)

    def all_healthy(self, wanted: int) -> bool:
        """Whether so many targets are registered and each is healthy."""
        targets = list(self._registered_at)
        return len(targets) >= wanted and all(self.state_of(t) == "healthy" for t in targets)

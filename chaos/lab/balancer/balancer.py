"""Keeps the nodes' endpoints and the view of their health in step with what is registered."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.lab.balancer.health_view import HealthView
from chaos.lab.balancer.node import Node
from chaos.lab.network import Network
from chaos.lab.truth import TruthKind, TruthLog


class Balancer:
    """The load balancer: all its nodes send requests to all registered targets."""

    def __init__(
        self, nodes: Sequence[Node], network: Network, health: HealthView, truth: TruthLog
    ) -> None:
        self.nodes = nodes
        self._network = network
        self._health = health
        self._truth = truth
        self._led_to: dict[str, dict[str, int]] = {node.name: {} for node in nodes}

    def follow(self, registered: set[str], have_served: set[str]) -> None:
        """Lead each node to exactly those registered targets that have ever served.

        One that never has could pass no health check; and to a node a target whose first check has
        failed is not new any more: it would have to pass several, where AWS asks of a new one one.
        """
        added, removed = self._health.follow(registered)
        for node in self.nodes:
            ports = {one: self._network.port_of(node.name, one) for one in registered & have_served}
            wanted = {target: port for target, port in ports.items() if port is not None}
            if wanted != self._led_to[node.name]:
                node.lead_to(wanted)
                self._led_to[node.name] = wanted
        for target in sorted(added):
            self._truth.record(TruthKind.TARGET_REGISTERED, target, "is registered as a target")
        for target in sorted(removed):
            self._truth.record(TruthKind.TARGET_DEREGISTERED, target, "is no longer a target")

    def watch(self) -> None:
        """Take note of what the nodes' health checks have found since the last call."""
        for node in self.nodes:
            target_at = {port: target for target, port in self._led_to[node.name].items()}
            for change in node.health.news():
                target = target_at.get(change.port)
                if target:
                    self._health.note(node.name, target, change.healthy)
                    self._record(node, target, change.healthy, change.at)

    def _record(self, node: Node, target: str, healthy: bool, at: float) -> None:
        kind = TruthKind.TARGET_HEALTHY if healthy else TruthKind.TARGET_UNHEALTHY
        word = "healthy" if healthy else "unhealthy"
        self._truth.record(kind, target, f"is {word} in the eyes of {node.name}", at=at)

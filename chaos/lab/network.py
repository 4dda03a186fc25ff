"""The lab's links: from the internet to the nodes, and from each node to each instance."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.lab.balancer.node import Node
from chaos.lab.fabric.client import FabricClient
from chaos.lab.fabric.condition import DROP, PASS, LinkName

INTERNET = "internet"


class Network:
    """Opens, silences and closes the links as machines come and go."""

    def __init__(self, fabric: FabricClient, nodes: Sequence[Node], linger: float) -> None:
        self._fabric = fabric
        self._nodes = nodes
        self._linger = linger
        self._ports: dict[LinkName, int] = {}

    def open_front_door(self) -> int:
        """Link the internet to each node, and return the port of the front door to them all."""
        names = [LinkName(INTERNET, node.name) for node in self._nodes]
        for name, node in zip(names, self._nodes, strict=True):
            self._ports[name] = self._fabric.open(name, node.port)
        return self._fabric.front_door(names)

    def attach(self, instance_id: str, port: int) -> None:
        """Link each node to an instance that is not up yet: until then nothing gets through."""
        for name in self._links_to(instance_id):
            self._ports[name] = self._fabric.open(name, port)
        self.silence(instance_id)

    def silence(self, instance_id: str) -> None:
        """Let nothing through to the instance, as when its machine is down."""
        for name in self._links_to(instance_id):
            self._fabric.set(name, DROP)

    def restore(self, instance_id: str) -> None:
        """Let everything through to the instance."""
        for name in self._links_to(instance_id):
            self._fabric.set(name, PASS)

    def detach(self, instance_id: str) -> None:
        """Close the links to an instance; callers that still wait for it wait on for a while."""
        for name in self._links_to(instance_id):
            del self._ports[name]
            self._fabric.close(name, self._linger)

    def port_of(self, node: Node, instance_id: str) -> int | None:
        """The loopback port by which the node reaches the instance; None without such a link."""
        return self._ports.get(LinkName(node.name, instance_id))

    def _links_to(self, instance_id: str) -> list[LinkName]:
        return [LinkName(node.name, instance_id) for node in self._nodes]

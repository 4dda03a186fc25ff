"""How the parts of a replication group, and those who use it, reach each other."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor

from chaos.lab.cache.node import CacheNode
from chaos.lab.cache.server import answers
from chaos.lab.fabric.condition import LinkName
from chaos.lab.network import Network
from chaos.lab.place import Place

PORT = 6379
"""Where cache servers listen in AWS."""

_OBSERVER = 3
"""The address of a subnet, counted from its first, at which the service itself stands: AWS keeps
it for itself and gives it to nobody."""


class Wiring:
    """The links and doors of one replication group.

    The service watches the nodes from a place in each zone, so that a dark zone neither hides that
    its nodes are gone nor makes the others look so. Safe to use from several threads.
    """

    def __init__(
        self, group: str, nodes: Sequence[CacheNode], network: Network, pool: Executor
    ) -> None:
        self._group = group
        self._nodes = nodes
        self._network = network
        self._pool = pool
        self._lock = threading.RLock()
        self._users: dict[str, Mapping[str, int]] = {}
        self._observers: list[str] = []
        self._leading: dict[str, list[str]] = {"primary": [], "reader": []}

    def connect(self, places: Mapping[str, Place], blocks: Mapping[str, tuple[str, str]]) -> None:
        """Link the nodes to each other, and the observers to them.

        Args:
            places: where each node stands, by its id.
            blocks: for each zone a subnet's id and CIDR block, for an observer to stand in.
        """
        for node in self._nodes:
            if node.id in places:
                self._network.place(node.id, places[node.id])
        for zone, (subnet, block) in blocks.items():
            observer = f"{self._group}-observer-{zone}"
            address = str(ipaddress.ip_network(block)[_OBSERVER])
            self._network.place(observer, Place(address, subnet))
            self._observers.append(observer)
        self._observers = self._observers or [f"{self._group}-observer"]
        for source in [*(node.id for node in self._nodes), *self._observers]:
            self._link(source)

    def admit(self, user: str) -> Mapping[str, int]:
        """The ports by which a component reaches the `primary` and the `reader` endpoint."""
        with self._lock:
            if user not in self._users:
                self._link(user)
                self._users[user] = {
                    name: self._network.open_door(f"{user}>{self._group}.{name}")
                    for name in self._leading
                }
                for name in self._leading:
                    self._lead(user, name)
            return self._users[user]

    def dismiss(self, user: str) -> None:
        """Close the doors of a component that is no more; its links go with it."""
        with self._lock:
            for name in self._users.pop(user, {}):
                self._network.close_door(f"{user}>{self._group}.{name}")

    def lead(self, primary: Iterable[str], readers: Iterable[str]) -> None:
        """Let the endpoints of all users mean these nodes; new connections go there."""
        wanted = {"primary": list(primary), "reader": list(readers)}
        with self._lock:
            for name in [name for name in wanted if wanted[name] != self._leading[name]]:
                self._leading[name] = wanted[name]
                for user in self._users:
                    self._lead(user, name)

    def port_between(self, source: str, destination: str) -> int:
        """The port by which one node reaches another."""
        port = self._network.port_of(source, destination)
        assert port is not None  # noqa: S101 - `connect` has opened all of them
        return port

    def reachable(self) -> set[str]:
        """The nodes that most observers get an answer from; takes up to a server's patience."""
        asked = [(node.id, observer) for node in self._nodes for observer in self._observers]
        ports = [self.port_between(observer, node) for node, observer in asked]
        answered = list(self._pool.map(answers, ports))
        votes = [node for (node, _), answer in zip(asked, answered, strict=True) if answer]
        return {node for node in votes if 2 * votes.count(node) > len(self._observers)}

    def remove(self) -> None:
        """Close everything."""
        for user in list(self._users):
            self.dismiss(user)
        for name in [*self._observers, *(node.id for node in self._nodes)]:
            self._network.remove(name)

    def _link(self, source: str) -> None:
        for node in self._nodes:
            if node.id != source:
                self._network.open(source, node.id, node.server.port)

    def _lead(self, user: str, name: str) -> None:
        links = [LinkName(user, node) for node in self._leading[name]]
        self._network.lead(f"{user}>{self._group}.{name}", links)

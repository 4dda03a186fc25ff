"""The name under which clients know the shop: a DNS record with an address for each node.

AWS: Route 53 answers with the addresses of the load balancer's nodes whose health checks succeed,
and with all of them when none does; clients keep an answer for its time to live. A node that
cannot be reached, or has no healthy target left, fails its checks.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence

from chaos.lab.balancer.node import Node
from chaos.lab.fabric.condition import LinkName
from chaos.lab.network import Network
from chaos.lab.place import CLIENTS, HEALTH_CHECKERS
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthKind, TruthLog

_NAME = "shop"
_CLIENTS = "internet"
_CHECKERS = "health-checkers"


class FrontDoor:
    """Checks the nodes from the internet, and answers with those that are healthy."""

    def __init__(
        self, nodes: Sequence[Node], network: Network, truth: TruthLog, settings: LabSettings
    ) -> None:
        self._nodes = nodes
        self._network = network
        self._truth = truth
        self._settings = settings
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._answer = {node.name for node in nodes}
        """The nodes that are answered with; those without whom nobody would be are not left out."""
        self._healthy = dict.fromkeys(self._answer, True)
        self._on_change: Callable[[set[str]], None] = lambda _: None
        self.port = network.open_door(_NAME, settings.dns_ttl)
        """The port of 127.0.0.1 that clients connect to."""
        network.place(_CLIENTS, CLIENTS)
        network.place(_CHECKERS, HEALTH_CHECKERS)
        for node in nodes:
            network.open(_CLIENTS, node.name, node.port)
            network.open(_CHECKERS, node.name, node.health_port)
        self._lead()

    def start(self, on_change: Callable[[set[str]], None]) -> None:
        """Begin to check; `on_change` is told the nodes that are left out now."""
        self._on_change = on_change
        for node in self._nodes:
            name = f"checks of {node.name}"
            threading.Thread(target=self._check, args=(node,), name=name, daemon=True).start()

    def stop(self) -> None:
        """Change nothing any more."""
        with self._lock:
            self._stopped.set()

    def _check(self, node: Node) -> None:
        """Check one node again and again, and note each change of mind."""
        in_a_row = 0
        began = time.monotonic()
        while not self._stopped.wait(began + self._settings.dns_check_interval - time.monotonic()):
            began = time.monotonic()
            differs = self._succeeds(node) is not self._healthy[node.name]
            in_a_row = in_a_row + 1 if differs else 0
            if in_a_row >= self._settings.dns_threshold:
                in_a_row = 0
                self._change(node)

    def _succeeds(self, node: Node) -> bool:
        port = self._network.port_of(_CHECKERS, node.name)
        connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=self._settings.dns_check_timeout
        )
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _change(self, node: Node) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._healthy[node.name] = not self._healthy[node.name]
            before = self._answer
            healthy = {name for name, is_healthy in self._healthy.items() if is_healthy}
            self._answer = healthy or set(self._healthy)
            self._lead()
            self._record(before)
            self._on_change(set(self._healthy) - self._answer)

    def _lead(self) -> None:
        links = [LinkName(_CLIENTS, node.name) for node in self._nodes if node.name in self._answer]
        self._network.lead(_NAME, links)

    def _record(self, before: set[str]) -> None:
        for name in sorted(before - self._answer):
            text = "is in the front door's answers no more: its health checks fail"
            self._truth.record(TruthKind.NODE_REMOVED, name, text)
        for name in sorted(self._answer - before):
            text = "is in the front door's answers again"
            self._truth.record(TruthKind.NODE_ADDED, name, text)

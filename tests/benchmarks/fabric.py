"""What the lab's fabric costs: the same server asked directly, through Envoy, and through both.

Envoy alone is a node of the lab's kind that leads straight to one instance of the shop.
"""

from __future__ import annotations

import http.client
import statistics
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from chaos.lab import handle
from chaos.lab.balancer.node import Node
from chaos.lab.handle import InstanceStatus, LabHandle
from chaos.lab.settings import LabSettings
from tests.eventually import eventually

CLIENTS = 4
SECONDS = 3.0
ROUNDS = 3


def ask(address: tuple[str, int], until: float, took: list[float]) -> None:
    """One client that asks again and again on one connection."""
    connection = http.client.HTTPConnection(*address, timeout=5)
    while (began := time.perf_counter()) < until:
        connection.request("GET", "/health")
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()


def measure(address: tuple[str, int]) -> tuple[float, float]:
    """Requests per second and the 99th percentile, in seconds."""
    took: list[float] = []
    until = time.perf_counter() + SECONDS
    clients = [threading.Thread(target=ask, args=(address, until, took)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return len(took) / SECONDS, statistics.quantiles(took, n=100)[98]


def main() -> None:
    """All ways in turn, so that a slow moment falls on each of them."""
    lab = handle.start()
    try:
        with tempfile.TemporaryDirectory() as directory:
            instance = next(one for one in handle.status(lab).instances if one.port is not None)
            node = Node("bench", Path(directory) / "node", LabSettings())
            try:
                rounds = _rounds(lab, node, instance)
            finally:
                node.process.kill()
                node.process.wait()
    finally:
        handle.stop(lab)
    _print(rounds)


def _rounds(
    lab: LabHandle, node: Node, instance: InstanceStatus
) -> list[dict[str, tuple[float, float]]]:
    node.await_ready(time.monotonic() + 20)
    node.lead_to({instance.instance_id: instance.port or 0})
    front = urlsplit(lab.host)
    ways = {
        "no proxy": ("127.0.0.1", instance.port or 0),
        "Envoy alone": ("127.0.0.1", node.port),
        "door, Envoy and links": (str(front.hostname), front.port or 0),
    }
    for address in ways.values():
        eventually(lambda address=address: _answers(address), 20, "the way is open")  # type: ignore[misc]
    return [{name: measure(address) for name, address in ways.items()} for _ in range(ROUNDS)]


def _answers(address: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _print(rounds: list[dict[str, tuple[float, float]]]) -> None:
    direct = statistics.median(found["no proxy"][0] for found in rounds)
    for name in rounds[0]:
        rate = statistics.median(found[name][0] for found in rounds)
        p99 = statistics.median(found[name][1] for found in rounds)
        ratio = rate / direct
        print(f"{name:<22} {rate:6.0f} requests/s  {ratio:5.2f} x  p99 {p99 * 1000:6.2f} ms")

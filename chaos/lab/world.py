"""The region with everything in it, put together."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID

from chaos.lab import stack
from chaos.lab.api import Api
from chaos.lab.balancer.balancer import Balancer
from chaos.lab.balancer.health_view import HealthView
from chaos.lab.balancer.node import Node
from chaos.lab.credentials import Credentials
from chaos.lab.directory import LabDirectory
from chaos.lab.fabric.client import FabricClient
from chaos.lab.fleet import Fleet, Site
from chaos.lab.network import Network
from chaos.lab.reconciler import Reconciler
from chaos.lab.region import REGION, Region
from chaos.lab.scaling import Scaling
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthLog
from chaos.lab.warden import MARK

_LINGER = 1.0
"""Seconds that the links of a removed instance outlast the balancer's patience."""

_KEPT = ("LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", MARK)
"""Variables that machines inherit."""


class World:
    """The API, the network, the load balancer, the fleet, and what keeps them in step."""

    def __init__(
        self,
        files: LabDirectory,
        settings: LabSettings,
        fabric: FabricClient,
        nodes: Sequence[Node],
    ) -> None:
        self.truth = TruthLog(files.truth)
        self.failed = False
        """Whether it has given up keeping things in step."""
        self._settings = settings
        self._nodes = nodes
        self._credentials = Credentials.generate()
        self._health = HealthView(len(nodes), settings)
        self._region = Region(self._health.state_of)
        network = Network(fabric, nodes, linger=settings.idle_timeout + _LINGER)
        self._front_door = network.open_front_door()
        self._api = Api(
            self._credentials.access_key_id, self._region.lock, self._wake, {"status": self.status}
        )
        site = Site(files.machines, self._environment_of_machines(), settings)
        self._fleet = Fleet(self._region, network, self.truth, site)
        scaling = Scaling(self._region, self._health, settings)
        balancer = Balancer(nodes, network, self._health, self.truth)
        self._reconciler = Reconciler(self._region, scaling, self._fleet, balancer, self._fail)

    @property
    def endpoint_url(self) -> str:
        """Where the AWS API answers."""
        return f"http://127.0.0.1:{self._api.port}"

    def start(self) -> None:
        """Answer API calls, and let things happen."""
        self._api.start()
        self._reconciler.start()

    def stop(self) -> None:
        """Let nothing happen any more, and kill all machines."""
        self._reconciler.stop()
        for machine in self._fleet.machines.values():
            machine.scrap()

    def build_stack(self) -> None:
        """Make the shop's stack through the API."""
        session = boto3.Session(
            self._credentials.access_key_id,
            self._credentials.secret_access_key,
            region_name=REGION,
        )
        zones = [node.zone for node in self._nodes]
        stack.build(session, self.endpoint_url, zones, self._settings)

    def all_serve(self) -> bool:
        """Whether as many machines as wanted accept connections."""
        serving = [one for one in list(self._fleet.machines.values()) if one.serving]
        return len(serving) >= self._settings.instances

    def all_healthy(self) -> bool:
        """Whether as many targets as wanted are healthy in the eyes of every node."""
        return self._health.all_healthy(self._settings.instances)

    def address(self) -> dict[str, Any]:
        """What a handle holds."""
        return {
            "endpoint_url": self.endpoint_url,
            "host": f"http://127.0.0.1:{self._front_door}",
            "region": REGION,
            "account_id": DEFAULT_ACCOUNT_ID,
            "access_key_id": self._credentials.access_key_id,
            "secret_access_key": self._credentials.secret_access_key,
            "admin_ports": [node.admin_port for node in self._nodes],
        }

    def status(self) -> list[dict[str, Any]]:
        """Each instance with its machine and its health, in the order of their launch."""
        with self._region.lock:
            return [self._status_of(one) for one in self._region.instances()]

    def _status_of(self, instance: Any) -> dict[str, Any]:
        machine = self._fleet.machines.get(instance.id)
        return {
            "instance_id": instance.id,
            "zone": instance.availability_zone,
            "state": instance.state,
            "private_ip": instance.private_ip,
            "pid": machine.pid if machine else None,
            "serving": machine.serving if machine else False,
            "target_health": self._health.state_of(instance.id),
        }

    def _wake(self) -> None:
        self._reconciler.wake()

    def _fail(self) -> None:
        self.failed = True

    def _environment_of_machines(self) -> dict[str, str]:
        """What a machine's processes find: the tools, where the API is, and the right to use it."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        aws = self._credentials.environment(self.endpoint_url, REGION)
        return {**kept, **aws, "PATH": path}

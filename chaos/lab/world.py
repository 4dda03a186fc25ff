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
from chaos.lab.balancer.metrics import BalancerMetrics
from chaos.lab.balancer.node import Node
from chaos.lab.cache.metrics import CacheMetrics
from chaos.lab.cache.service import CacheService
from chaos.lab.cloudwatch.alarms import Alarms
from chaos.lab.cloudwatch.publisher import Publisher
from chaos.lab.credentials import Credentials
from chaos.lab.database import site as database
from chaos.lab.database.databases import Databases
from chaos.lab.database.endpoints import Endpoints
from chaos.lab.database.metrics import DatabaseMetrics
from chaos.lab.database.template import Template
from chaos.lab.directory import LabDirectory
from chaos.lab.fabric.client import FabricClient
from chaos.lab.fleet import Fleet, Site
from chaos.lab.front_door import FrontDoor
from chaos.lab.network import Network
from chaos.lab.reconciler import Reconciler
from chaos.lab.region import REGION, Region
from chaos.lab.scaling import Scaling
from chaos.lab.schedules import Schedules
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthLog
from chaos.lab.warden import MARK

_LINGER = 1.0
"""Seconds that the links of a removed instance outlast the balancer's patience."""

_HTTP = 80
"""Where the stack's load balancer listens."""

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
        template: Template,
    ) -> None:
        self.truth = TruthLog(files.truth)
        self.failed = False
        """Whether it has given up keeping things in step."""
        self._settings = settings
        self._nodes = nodes
        self._credentials = Credentials.generate()
        self._health = HealthView(len(nodes), settings)
        self._region = Region(self._health.state_of)
        self._network = Network(fabric, self.truth, linger=settings.idle_timeout + _LINGER)
        self._front_door = FrontDoor(nodes, self._network, self.truth, settings)
        self._api = Api(
            self._credentials.access_key_id, self._region.lock, self._wake, {"status": self.status}
        )
        callers = tuple(node.name for node in nodes)
        self._cache = CacheService(
            self._region, self._network, self.truth, files.path / "cache", settings
        )
        endpoints = Endpoints(self._network)
        self._databases = Databases(
            database.Site(self._region, self._network, endpoints, self.truth, settings, template),
            self._fail,
        )
        services = (self._cache, endpoints)
        site = Site(files.machines, self._environment_of_machines(), settings, callers, services)
        self._fleet = Fleet(self._region, self._network, self.truth, site)
        self._scaling = Scaling(self._region, self._health, settings)
        self._balancer = Balancer(nodes, self._network, self._health, self.truth)
        self._reconciler = Reconciler(self._pass, self._fail)
        self._publisher = self._make_publisher()
        self._schedules = Schedules(self._region.scheduler, self._client, self.truth)

    @property
    def endpoint_url(self) -> str:
        """Where the AWS API answers."""
        return f"http://127.0.0.1:{self._api.port}"

    def start(self) -> None:
        """Answer API calls, and let things happen."""
        self._api.start()
        self._cache.start()
        self._databases.start()
        self._reconciler.start()
        self._publisher.start()
        self._schedules.start()

    def stop(self) -> None:
        """Let nothing happen any more, and kill all machines."""
        self._schedules.stop()
        self._front_door.stop()
        self._publisher.stop()
        self._reconciler.stop()
        self._cache.stop()
        for machine in self._fleet.machines.values():
            machine.scrap()
        self._databases.stop()

    def build_stack(self) -> None:
        """Make the shop's stack through the API, and put the load balancer's nodes into it."""
        zones = [node.zone for node in self._nodes]
        stack.build(self._session(), self.endpoint_url, zones, self._settings)
        self._place_nodes()

    def _session(self) -> boto3.Session:
        key = self._credentials
        return boto3.Session(key.access_key_id, key.secret_access_key, region_name=REGION)

    def _client(self, service: str) -> Any:
        """A boto3 client of this region, as anybody would make it."""
        client: Any = self._session().client(
            service,
            endpoint_url=self.endpoint_url,
        )
        return client

    def all_serve(self) -> bool:
        """Whether as many machines as wanted accept connections."""
        serving = [one for one in list(self._fleet.machines.values()) if one.serving]
        return len(serving) >= self._settings.instances

    def all_cached(self) -> bool:
        """Whether every cache has a primary and all its replicas."""
        return self._cache.all_available()

    def all_healthy(self) -> bool:
        """Whether as many targets as wanted are healthy in the eyes of every node."""
        return self._health.all_healthy(self._settings.instances)

    def watch_nodes(self) -> None:
        """Begin to find out which nodes clients are to be led to."""
        self._front_door.start(self._health.disregard)

    def address(self) -> dict[str, Any]:
        """What a handle holds."""
        return {
            "endpoint_url": self.endpoint_url,
            "host": f"http://127.0.0.1:{self._front_door.port}",
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
            "port": machine.port if machine else None,
            "serving": machine.serving if machine else False,
            "target_health": self._health.state_of(instance.id),
        }

    def _make_publisher(self) -> Publisher:
        sources = (
            BalancerMetrics(self._nodes, self._health, self._region.balancer_dimensions),
            CacheMetrics(lambda: list(self._cache.groups.values())),
            DatabaseMetrics(lambda: self._databases.deployments),
        )
        alarms = Alarms(self._region.alarms, self._region.metrics, self.truth)
        return Publisher(sources, self._region.metrics, alarms, self._settings)

    def _place_nodes(self) -> None:
        with self._region.lock:
            subnet_in = self._region.balancer_subnets()
            for node in self._nodes:
                place = self._region.take_address(subnet_in[node.zone], "ELB app/shop", _HTTP)
                self._network.place(node.name, place)

    def _pass(self) -> None:
        """Close the difference between what moto says and what is there, once."""
        with self._region.lock:
            self._scaling.follow()
            instances = self._region.instances()
            registered = self._region.balanced_targets()
            acls = self._region.network_acls()
        self._network.follow(acls)
        self._fleet.follow(instances)
        self._balancer.follow(registered, self._fleet.have_served())
        self._balancer.watch()
        self._fleet.scrap(but=registered)

    def _wake(self) -> None:
        self._reconciler.wake()

    def _fail(self) -> None:
        self.failed = True

    def _environment_of_machines(self) -> dict[str, str]:
        """What a machine's processes find: the tools, where the API is, and the right to use it."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        aws = self._credentials.environment(self.endpoint_url, REGION)
        period = str(self._settings.metrics_period)
        return {**kept, **aws, "PATH": path, "METRICS_PERIOD": period}

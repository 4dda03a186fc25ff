"""The lab's cache, seen as a client of the API and of Valkey sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import valkey

from chaos.aws.clients import BotoClients, connect
from chaos.model.environment import Environment
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab

GROUP = "shop-cache"
WHOLE_WITHIN = 30.0


@dataclass(frozen=True)
class Cache:
    """The group `shop-cache` of a running lab."""

    lab: RunningLab
    clients: BotoClients
    """Clients of the lab, as a run has them."""

    @property
    def api(self) -> Any:
        """ElastiCache's."""
        return self.clients.client("elasticache")

    def describe(self) -> dict[str, Any]:
        """The group, as the API describes it."""
        (found,) = self.api.describe_replication_groups(ReplicationGroupId=GROUP)[
            "ReplicationGroups"
        ]
        return dict(found)

    def members(self) -> dict[str, dict[str, Any]]:
        """The group's nodes by their roles; it has one replica."""
        (shard,) = self.describe()["NodeGroups"]
        return {member["CurrentRole"]: member for member in shard["NodeGroupMembers"]}

    def primary(self) -> str:
        """The id of the primary."""
        return str(self.members()["primary"]["CacheClusterId"])

    def client(self, endpoint: str = "PrimaryEndpoint") -> Any:
        """A client of one of the group's endpoints."""
        (shard,) = self.describe()["NodeGroups"]
        return connect_to(shard[endpoint]["Port"])

    def pid_of(self, role: str) -> int:
        """The process of the node in that role."""
        with connect_to(self.members()[role]["ReadEndpoint"]["Port"]) as client:
            return int(client.info("server")["process_id"])

    def is_whole(self) -> bool:
        """Whether the group has a primary and its replica."""
        return bool(self.describe()["Status"] == "available")

    def await_whole(self) -> None:
        """Return once it has."""
        eventually(self.is_whole, within=WHOLE_WITHIN, what="the cache is available")

    def answers(self) -> bool:
        """Whether the primary endpoint takes writes."""
        try:
            with self.client() as client:
                return bool(client.set("asked", 1))
        except valkey.ValkeyError:
            return False


def connect_to(port: int) -> Any:
    """A client of the server behind that port of 127.0.0.1; valkey's types are of no help."""
    return valkey.Valkey(port=port, socket_timeout=1, socket_connect_timeout=1)


@pytest.fixture
def cache(lab: RunningLab) -> Iterator[Cache]:
    """A lab in which nothing is wrong, with its cache."""
    running = lab.handle
    place = Environment(region=running.region, endpoint_url=running.endpoint_url)
    found = Cache(lab, connect(place, running.credentials))
    found.await_whole()
    yield found
    found.await_whole()

"""A lab with quick failovers, and what tests want to know of its databases."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import boto3

from chaos.lab import handle
from chaos.lab.handle import LabHandle
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthEvent
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab, connect

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

QUICK = LabSettings(instances=3, boot_delay=0, database_failover_delay=0.2, database_detection=1.5)
DATABASE = "shop-db"
ACCEPTED = 201


@dataclass(frozen=True)
class DatabaseLab:
    """A lab, its shop, and RDS."""

    lab: RunningLab
    rds: RDSClient

    @property
    def handle(self) -> LabHandle:
        """The lab itself."""
        return self.lab.handle

    @property
    def data(self) -> Path:
        """Where the servers have their data."""
        return (self.handle.directory / "databases").resolve()

    def describe(self, name: str = DATABASE) -> DBInstanceTypeDef:
        """What DescribeDBInstances says of one."""
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def await_status(self, status: str, name: str = DATABASE, within: float = 20) -> None:
        """Return once the DB instance has that status."""
        eventually(
            lambda: self.describe(name)["DBInstanceStatus"] == status,
            within=within,
            what=f"{name} is {status}",
        )

    def await_redundant(self) -> None:
        """Return once the shop's database is available and has a standby in sync."""
        self.await_status("available")
        eventually(self.is_redundant, within=20, what="a standby in sync")

    def is_redundant(self) -> bool:
        """Whether the last that is known of the standby is that it is in sync."""
        kinds = [one.kind for one in self.truth() if one.kind.startswith("database-")]
        standby = [
            kind
            for kind in kinds
            if kind in {"database-in-sync", "database-standby-lost", "database-promoted"}
        ]
        return bool(standby) and standby[-1] == "database-in-sync"

    def truth(self, since: float = 0) -> list[TruthEvent]:
        """What really happened to the shop's database and its servers."""
        events = handle.truth(self.handle, since)
        return [one for one in events if one.resource.startswith(DATABASE)]

    def messages(self, name: str = DATABASE, kind: Any = "db-instance") -> list[str]:
        """What DescribeEvents tells."""
        answer = self.rds.describe_events(SourceIdentifier=name, SourceType=kind)
        return [event["Message"] for event in answer["Events"]]

    def postmaster(self, zone: str) -> int:
        """The process id of the shop's database server in that zone."""
        pid_file = self.data / f"{DATABASE}-{zone}" / "postmaster.pid"
        return int(pid_file.read_text().splitlines()[0])

    def buy(self) -> tuple[int, dict[str, Any]]:
        """Place one order; the answer's status and body."""
        answer = self.lab.post("/purchase", b'{"product_id": 1, "quantity": 1}')
        return answer.status, json.loads(answer.body)

    def url(self) -> str:
        """What the shop's user data says the database's address is, for callers outside."""
        template = self.lab.ec2.describe_launch_template_versions(LaunchTemplateName="shop")
        data = template["LaunchTemplateVersions"][0]["LaunchTemplateData"]["UserData"]
        found = re.search(r'DATABASE_URL="(.*)"', base64.b64decode(data).decode())
        assert found
        return re.sub(r"\$\{SHOP_DB_ENDPOINT:-(.*?)\}", r"\1", found[1])


@contextmanager
def database_lab(settings: LabSettings = QUICK) -> Iterator[DatabaseLab]:
    """A lab of one's own."""
    running = handle.start(settings=settings)
    try:
        session = boto3.Session(
            running.access_key_id, running.secret_access_key, region_name=running.region
        )
        yield DatabaseLab(
            connect(running), session.client("rds", endpoint_url=running.endpoint_url)
        )
    finally:
        handle.stop(running)


@dataclass
class Shoppers:
    """Some who buy without a pause, each on connections of its own, and remember what was said."""

    lab: DatabaseLab
    accepted: set[str] = field(default_factory=set)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def shopping(self, many: int) -> Iterator[Shoppers]:
        """Let so many buy meanwhile."""
        threads = [threading.Thread(target=self._buy_on) for _ in range(many)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def await_more(self) -> None:
        """Return once another order is accepted."""
        so_far = len(self.accepted)
        eventually(lambda: len(self.accepted) > so_far, within=15, what="another order")

    def _buy_on(self) -> None:
        while not self._stop.wait(0.01):
            try:
                status, order = self.lab.buy()
            except (OSError, ValueError):
                self.refused += 1
                continue
            if status == ACCEPTED:
                self.accepted.add(order["order_id"])
            else:
                self.refused += 1


async def ask(url: str, query: str, *arguments: object) -> list[Any]:
    """The rows of one query."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()

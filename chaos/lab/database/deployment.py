"""What a DB instance and a cluster have in common: they are served, watched, and fail over."""

from __future__ import annotations

import asyncio
import time
import traceback
from abc import ABC, abstractmethod
from typing import Any

from chaos.lab.database.member import Member
from chaos.lab.database.monitor import Monitor
from chaos.lab.database.owner import create_owner
from chaos.lab.database.replica_set import ReplicaSet
from chaos.lab.database.server import ServerError
from chaos.lab.database.site import Site
from chaos.lab.overlays.rds import Request, requests_of
from chaos.lab.truth import TruthKind

_LOOK_EVERY = 0.05

_MOST_FAILURES = 20
"""Steps that may fail in a row before a database is given up."""


class Deployment(ABC):
    """One DB instance or cluster of the API (`resource`), with its servers."""

    def __init__(self, resource: Any, name: str, site: Site) -> None:
        self.resource = resource
        self.name = name
        self.set = ReplicaSet(name, site.network, site.truth)
        self.site = site
        self._monitor = Monitor(self.set, site.endpoints, site.settings.database_detection)
        self._stopped = False

    async def run(self) -> None:
        """Live until cancelled; leaves nothing behind."""
        watch = asyncio.create_task(self._monitor.run())
        try:
            await self.create()
            await self._serve()
        finally:
            watch.cancel()
            await self._end()

    async def _serve(self) -> None:
        failures = 0
        while True:
            try:
                await self._step()
                failures = 0
            except ServerError:
                traceback.print_exc()
                failures += 1
                if failures > _MOST_FAILURES:
                    raise
            await asyncio.sleep(_LOOK_EVERY)

    @abstractmethod
    async def create(self) -> None:
        """Bring up what was asked for, and say so."""

    @abstractmethod
    async def carry_out(self, request: Request) -> None:
        """Do what was asked, and set the state that it leads to."""

    @abstractmethod
    async def follow(self) -> None:
        """Make servers and endpoints follow what the API and the replica set say."""

    @abstractmethod
    async def fail_over(self, target: Member, began: float) -> None:
        """Let a standby take over; `began` (of `time.monotonic`) is when the primary was lost."""

    @abstractmethod
    def close_endpoints(self) -> None:
        """Close what callers use."""

    def stopped(self, value: bool) -> None:
        """Take note whether the servers are down on purpose."""
        self._stopped = value
        self._monitor.forgive()

    async def first_start(self, member: Member) -> None:
        """Bring up the first primary, empty but for its owner's user and database."""
        await self.site.template.copy_to(member.server.directory)
        await self.set.start(member)
        await create_owner(member.server, self.resource)

    async def promote(self, target: Member, began: float, why: str) -> None:
        """Promote a standby, and return when the endpoint may lead to it.

        Where that fails, the target is started on its own data: it has all that was acknowledged.
        """
        old = self.set.primary
        if old:
            self.record(TruthKind.DATABASE_LOST, f"has lost its primary in {old.zone}: {why}")
        try:
            await self.set.fail_over(target)
        except ServerError:
            traceback.print_exc()
            await self.set.revive_primary()
        self._monitor.forgive()
        moves_at = began + self.site.settings.database_failover_delay
        await self._stay_in_repair_until(moves_at)

    def record(self, kind: TruthKind, text: str) -> None:
        """Write into the truth log."""
        self.site.truth.record(kind, self.name, text)

    def why_lost(self) -> str | None:
        """Why the primary cannot go on; None where it can."""
        primary = self.set.primary
        if primary is None or self._stopped:
            return None
        if not primary.server.is_alive:
            return "its processes have ended"
        if self._monitor.is_out_of_reach(primary) and self._reachable_standbys():
            return "it cannot be reached"
        return None

    async def _stay_in_repair_until(self, moment: float) -> None:
        """Let standbys be repaired while the endpoint does not lead to the new primary yet."""
        while time.monotonic() < moment:
            await self.set.watch()
            await asyncio.sleep(min(_LOOK_EVERY, max(0.0, moment - time.monotonic())))

    async def _step(self) -> None:
        requests = requests_of(self.resource)
        if requests:
            await self.carry_out(requests[0])
            requests.popleft()
            self._monitor.forgive()
        if self._stopped:
            return
        if self.why_lost():
            await self._replace_primary()
        for standby in self.set.standbys:
            gone = self._monitor.is_out_of_reach(standby) or self._monitor.is_detached(standby)
            if standby.in_sync and gone:
                await self.set.give_up(standby)
        await self.set.watch()
        await self.follow()

    async def _replace_primary(self) -> None:
        began = time.monotonic()
        candidates = self._reachable_standbys()
        if candidates:
            await self.fail_over(candidates[0], began)
            return
        self.record(TruthKind.DATABASE_LOST, "has lost its primary, and has no standby in sync")
        await self.set.revive_primary()
        self.record(TruthKind.DATABASE_MOVED, "has its primary back, on its own data")

    def _reachable_standbys(self) -> list[Member]:
        return [one for one in self.set.promotable() if one.silent_since is None]

    async def _end(self) -> None:
        await self.set.end()
        self.close_endpoints()
        for member in self.set.members:
            self.site.scrap(member)

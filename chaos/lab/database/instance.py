"""A DB instance: one server, or a Multi-AZ pair of which only the primary is to be seen."""

from __future__ import annotations

import time
from typing import Any

from chaos.lab.database.deployment import Deployment
from chaos.lab.database.member import Member
from chaos.lab.database.site import Site
from chaos.lab.overlays.rds import AVAILABLE, Reboot, Request, Start, Stop, add_event
from chaos.lab.truth import TruthKind

_STANDBY_WITHIN = 30.0
"""Seconds that a forced failover waits for a standby that is being made."""


class DbInstance(Deployment):
    """One DB instance that is in no cluster."""

    def __init__(self, resource: Any, site: Site) -> None:
        super().__init__(resource, resource.db_instance_identifier, site)
        self._port = site.endpoints.open(self.name)
        self._led_to: Member | None = None

    async def create(self) -> None:
        """See `Deployment`."""
        subnets = self.site.subnets_of(self.resource)
        first = self.resource.availability_zone
        zone = first if first in subnets else next(iter(subnets), first)
        primary = self._new(zone, subnets)
        await self.first_start(primary)
        if self.resource.multi_az:
            others = [*(one for one in subnets if one > zone), *(o for o in subnets if o < zone)]
            for other in others[:1]:
                self.set.add(self._new(other, subnets))
            await self.await_standby()
        self._lead()
        with self.site.region.lock:
            self._show_zones()
            self.resource.lab_port = self._port
            self.resource.status = AVAILABLE

    async def carry_out(self, request: Request) -> None:
        """See `Deployment`."""
        if isinstance(request, Reboot) and request.force_failover:
            await self._fail_over_on_request()
        elif isinstance(request, Reboot):
            await self._restart()
        elif isinstance(request, Stop):
            self.stopped(True)
            await self.set.stop()
            self.record(TruthKind.DATABASE_STOPPED, "is stopped: its servers have shut down")
            self._settle("stopped", "LAB_STOPPED")
        elif isinstance(request, Start):
            await self.set.resume()
            self.stopped(False)
            self.record(TruthKind.DATABASE_STARTED, "is started: its primary takes connections")
            self._settle(AVAILABLE, "LAB_STARTED")

    async def follow(self) -> None:
        """See `Deployment`; only after a failover that has gone wrong is there anything to do."""
        self._lead()

    async def fail_over(self, target: Member, began: float) -> None:
        """See `Deployment`."""
        with self.site.region.lock:
            add_event(self.resource, "LAB_FAILOVER_STARTED")
        await self.promote(target, began, self.why_lost() or "a failover was asked for")
        self._lead()
        with self.site.region.lock:
            self._show_zones()
            add_event(self.resource, "LAB_RESTARTED")
            add_event(self.resource, "LAB_FAILOVER_COMPLETED")

    def close_endpoints(self) -> None:
        """See `Deployment`."""
        self.site.endpoints.close(self.name)

    async def await_standby(self) -> bool:
        """Whether a standby is in sync, if need be after some waiting."""
        deadline = time.monotonic() + _STANDBY_WITHIN
        while not self.set.promotable() and time.monotonic() < deadline:
            await self._stay_in_repair_until(time.monotonic() + 0.02)
        return bool(self.set.promotable())

    async def _fail_over_on_request(self) -> None:
        if await self.await_standby():
            try:
                await self.fail_over(self.set.promotable()[0], time.monotonic())
            finally:
                self._settle(AVAILABLE)
        else:
            self._settle(AVAILABLE, "LAB_FAILOVER_ABANDONED")

    async def _restart(self) -> None:
        if self.set.primary:
            await self.set.restart(self.set.primary)
        self._settle(AVAILABLE, "LAB_RESTARTED")

    def _settle(self, status: str, *events: str) -> None:
        with self.site.region.lock:
            self.resource.status = status
            for event in events:
                add_event(self.resource, event)

    def _lead(self) -> None:
        if self.set.primary and self._led_to is not self.set.primary:
            self.site.endpoints.lead(self.name, [self.set.primary.name])
            self._led_to = self.set.primary
            text = f"is reached in {self.set.primary.zone}: its endpoint leads there"
            self.record(TruthKind.DATABASE_MOVED, text)

    def _show_zones(self) -> None:
        if self.set.primary:
            self.resource.availability_zone = self.set.primary.zone
        for standby in self.set.standbys:
            self.resource.secondary_availability_zone = standby.zone

    def _new(self, zone: str, subnets: dict[str, str]) -> Member:
        return self.site.new_member(f"{self.name}-{zone}", zone, subnets.get(zone))

"""A cluster as Aurora has it: a writer and readers, each an instance of its own in the API.

Aurora's instances share their storage. Here each has its own copy, and a commit waits for all of
them that are in sync, which loses as little.
"""

from __future__ import annotations

import time
from typing import Any

from chaos.lab.database.deployment import Deployment
from chaos.lab.database.member import Member
from chaos.lab.database.site import Site
from chaos.lab.overlays.rds import AVAILABLE, FailOver, Reboot, Request, Start, Stop, add_event
from chaos.lab.truth import TruthKind


class DbCluster(Deployment):
    """One cluster that has instances."""

    def __init__(self, resource: Any, site: Site) -> None:
        super().__init__(resource, resource.db_cluster_identifier, site)
        self._writer_endpoint = f"{self.name}.cluster"
        self._reader_endpoint = f"{self.name}.cluster-ro"
        self._endpoints = {
            name: site.endpoints.open(name)
            for name in (self._writer_endpoint, self._reader_endpoint)
        }
        self._led_to: dict[str, list[str]] = {}
        resource.port = self._endpoints[self._writer_endpoint]
        resource.lab_reader_port = self._endpoints[self._reader_endpoint]

    async def create(self) -> None:
        """See `Deployment`; the first instance is the writer."""
        first = self._instances()[0]
        await self.first_start(self._add_member(first))
        self._show_roles()
        await self.follow()

    async def carry_out(self, request: Request) -> None:
        """See `Deployment`."""
        if isinstance(request, FailOver):
            await self._fail_over_on_request(request.target)
        elif isinstance(request, Reboot):
            await self._restart(request.instance)
        elif isinstance(request, Stop):
            self.stopped(True)
            await self.set.stop()
            self.record(TruthKind.DATABASE_STOPPED, "is stopped: its servers have shut down")
            self._settle("stopped", "LAB_CLUSTER_STOPPED")
        elif isinstance(request, Start):
            await self.set.resume()
            self.stopped(False)
            self.record(TruthKind.DATABASE_STARTED, "is started: its writer takes connections")
            self._settle(AVAILABLE, "LAB_CLUSTER_STARTED")

    async def follow(self) -> None:
        """Add and remove members as instances come and go, and lead the endpoints to them."""
        instances = {one.db_instance_identifier: one for one in self._instances()}
        known = {member.name for member in self.set.members}
        for name in instances.keys() - known:
            member = self._add_member(instances[name])
            self.set.add(member)
        for member in [one for one in self.set.members if one.name not in instances]:
            await self._remove_member(member)
        for member in self.set.members:
            instance = instances[member.name]
            if instance.status == "creating" and (member.in_sync or member is self.set.primary):
                self._open_instance(instance)
        self._lead()

    async def fail_over(self, target: Member, began: float) -> None:
        """See `Deployment`."""
        with self.site.region.lock:
            add_event(self.resource, "LAB_CLUSTER_FAILOVER_STARTED", instance=target.name)
        await self.promote(target, began, self.why_lost() or "a failover was asked for")
        self._show_roles()
        self._lead()
        text = f"is reached in {target.zone}: its writer is {target.name}"
        self.record(TruthKind.DATABASE_MOVED, text)
        with self.site.region.lock:
            add_event(self.resource, "LAB_CLUSTER_FAILOVER_COMPLETED", instance=target.name)

    def close_endpoints(self) -> None:
        """See `Deployment`."""
        for name in self._endpoints:
            self.site.endpoints.close(name)

    async def _fail_over_on_request(self, wanted: str | None) -> None:
        candidates = self.set.promotable()
        tier = {one.db_instance_identifier: one.promotion_tier for one in self._instances()}
        candidates.sort(key=lambda one: (one.name != wanted, tier.get(one.name, 0)))
        if candidates and (wanted is None or candidates[0].name == wanted):
            try:
                await self.fail_over(candidates[0], time.monotonic())
            finally:
                self._show_roles()
        with self.site.region.lock:
            self.resource.status = AVAILABLE

    async def _restart(self, name: str) -> None:
        for member in self.set.members:
            if member.name == name:
                await self.set.restart(member)
        for instance in self._instances():
            if instance.db_instance_identifier == name:
                with self.site.region.lock:
                    instance.status = AVAILABLE
                    add_event(instance, "LAB_RESTARTED")

    async def _remove_member(self, member: Member) -> None:
        """A writer that is deleted hands over to a reader first, as in Aurora."""
        if member is self.set.primary:
            candidates = self.set.promotable()
            if not candidates:
                return  # The last one: its cluster ends with it.
            await self.fail_over(candidates[0], time.monotonic())
        await self.set.remove(member)
        self._lead()
        self.site.endpoints.close(self._endpoint_of(member.name))
        del self._endpoints[self._endpoint_of(member.name)]
        self._led_to.pop(self._endpoint_of(member.name), None)
        self.site.scrap(member)

    def _settle(self, status: str, event: str) -> None:
        with self.site.region.lock:
            for changed in (self.resource, *self._instances()):
                changed.status = status
            add_event(self.resource, event)

    def _instances(self) -> list[Any]:
        with self.site.region.lock:
            return list(self.resource.members)

    def _add_member(self, instance: Any) -> Member:
        subnets = self.site.subnets_of(self.resource)
        taken = [member.zone for member in self.set.members]
        zone = min(subnets, key=lambda one: (taken.count(one), one))
        name = instance.db_instance_identifier
        member = self.site.new_member(name, zone, subnets[zone])
        endpoint = self._endpoint_of(name)
        self._endpoints[endpoint] = self.site.endpoints.open(endpoint)
        with self.site.region.lock:
            instance.availability_zone = zone
        return member

    def _open_instance(self, instance: Any) -> None:
        with self.site.region.lock:
            name = instance.db_instance_identifier
            instance.lab_port = self._endpoints[self._endpoint_of(name)]
            instance.status = AVAILABLE

    def _show_roles(self) -> None:
        with self.site.region.lock:
            writer = self.set.primary.name if self.set.primary else None
            for instance in self._instances():
                instance.is_cluster_writer = instance.db_instance_identifier == writer

    def _lead(self) -> None:
        """Readers are served by those in sync; where there is none, by the writer."""
        if self.set.primary is None:
            return
        readers = [one.name for one in self.set.promotable()] or [self.set.primary.name]
        wanted = {
            self._writer_endpoint: [self.set.primary.name],
            self._reader_endpoint: readers,
            **{self._endpoint_of(one.name): [one.name] for one in self.set.members},
        }
        for endpoint, members in wanted.items():
            if self._led_to.get(endpoint) != members:
                self.site.endpoints.lead(endpoint, members)
                self._led_to[endpoint] = members

    def _endpoint_of(self, instance: str) -> str:
        return f"{self.name}.{instance}"

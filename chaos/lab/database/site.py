"""What every database of the lab is made of and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos.lab.database.endpoints import Endpoints
from chaos.lab.database.member import Member
from chaos.lab.database.server import Server
from chaos.lab.database.template import Template
from chaos.lab.network import Network
from chaos.lab.place import Place
from chaos.lab.region import Region
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthLog

PORT = 5432
"""Where databases listen in AWS."""


@dataclass(frozen=True, slots=True)
class Site:
    """The region's state and network, and PostgreSQL."""

    region: Region
    network: Network
    endpoints: Endpoints
    truth: TruthLog
    settings: LabSettings
    template: Template

    def subnets_of(self, database: Any) -> dict[str, str]:
        """By zone, the subnets that a DB instance or cluster may stand in, and is observed from."""
        with self.region.lock:
            found = self.region.database_subnets(database)
            blocks = {subnet: self.region.block_of(subnet) for subnet in found.values()}
        for subnet, block in blocks.items():
            self.endpoints.observe_from(subnet, block)
        return found

    def new_member(self, name: str, zone: str, subnet: str | None) -> Member:
        """A server that has no data yet, known to the network."""
        with self.region.lock:
            place = self._place(subnet)
        postgres = self.template.postgres
        member = Member(name, zone, place, Server(postgres, postgres.home / name))
        self.endpoints.add_server(name, place, member.server.port)
        return member

    def scrap(self, member: Member) -> None:
        """Forget a member whose server is gone."""
        self.endpoints.remove_server(member.name)
        if member.place.subnet:
            with self.region.lock:
                self.region.return_address(member.place)

    def _place(self, subnet: str | None) -> Place:
        if subnet is None:
            return Place("192.0.2.10", None, PORT)
        return self.region.take_address(subnet, "RDSNetworkInterface", PORT)

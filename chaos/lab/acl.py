"""What network ACLs let through, decided as a subnet's router decides it.

AWS: rules are tried in the order of their numbers, the first that matches decides, and what none
matches is denied; an ACL has no memory, so answers need a rule of their own; and what stays in a
subnet is never looked at. Source: Amazon VPC User Guide, "Control subnet traffic with network
access control lists".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from chaos.lab.place import Place

EPHEMERAL_PORT = 49152
"""Stands for the port that a caller's system chooses: 1024 to 65535 is what AWS tells to allow."""

_ALL, _TCP = "-1", "6"


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a network ACL, as EC2 describes it."""

    number: int
    egress: bool
    allow: bool
    protocol: str
    """IANA's number as text; -1 is any."""
    cidr: str | None
    """The peers that it is about; None where it is about IPv6 only."""
    ports: tuple[int, int] | None = None
    """From and to, both included: the port at the receiving end. None is all."""

    def matches(self, packet: Packet) -> bool:
        """Whether the rule is about that packet."""
        if self.egress is not packet.egress or self.protocol not in (_ALL, _TCP):
            return False
        if self.cidr is None or not _contains(self.cidr, packet.peer):
            return False
        if self.protocol == _ALL or self.ports is None:
            return True
        return self.ports[0] <= packet.port <= self.ports[1]


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP packet on its way over a subnet's border."""

    egress: bool
    peer: str
    """The address at the other side of the border."""
    port: int
    """Where it goes to."""


@dataclass(frozen=True, slots=True)
class Acl:
    """A network ACL."""

    rules: tuple[Rule, ...]
    """In the order of their numbers."""

    def allows(self, packet: Packet) -> bool:
        """Whether the packet may pass."""
        for rule in self.rules:
            if rule.matches(packet):
                return rule.allow
        return False


Acls = Mapping[str, Acl]
"""The network ACL of each subnet, by the subnet's id."""


def barred_by(source: Place, destination: Place, acls: Acls) -> str | None:
    """The subnet whose ACL keeps connections from `source` to `destination` from working.

    That is so where the ACL lets their packets not pass, or the answers to them. None where all get
    through. A subnet that AWS has no ACL for is deleted, and bars nothing.
    """
    if source.subnet is not None and source.subnet == destination.subnet:
        return None
    for subnet, packet in _packets(source, destination):
        acl = acls.get(subnet)
        if acl is not None and not acl.allows(packet):
            return subnet
    return None


def _packets(source: Place, destination: Place) -> Iterator[tuple[str, Packet]]:
    """Each crossing of a border that a connection needs, with the subnet whose border it is."""
    there, back = destination.port, EPHEMERAL_PORT
    if source.subnet is not None:
        yield source.subnet, Packet(egress=True, peer=destination.address, port=there)
        yield source.subnet, Packet(egress=False, peer=destination.address, port=back)
    if destination.subnet is not None:
        yield destination.subnet, Packet(egress=False, peer=source.address, port=there)
        yield destination.subnet, Packet(egress=True, peer=source.address, port=back)


@lru_cache(maxsize=4096)
def _contains(cidr: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)

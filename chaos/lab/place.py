"""Where a component stands in the region's network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A component's address. What is not in a subnet is in the internet."""

    address: str
    """Its private IPv4 address; a public one where it is in the internet."""
    subnet: str | None = None
    """The id of its subnet."""
    port: int = 0
    """Where it listens in AWS, which is what network ACLs go by; not the loopback port it really
    has. 0 where nobody calls it."""


CLIENTS = Place("203.0.113.10")
"""The shop's users (an address of TEST-NET-3, RFC 5737)."""

HEALTH_CHECKERS = Place("198.51.100.10")
"""Those that find out for the front door which nodes can be reached (TEST-NET-2)."""

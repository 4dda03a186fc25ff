"""The region's network: who stands where, the links between them, and what the links let through.

A component is named by its instance id or the like, and told where it stands with `place`. A link
carries connections from one component to another. It drops everything while one of its ends is
silent (its machine is down) or while a network ACL bars its way, and passes everything otherwise.
A door is an address that stands for a DNS name: it leads to links, and to others when told so.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from chaos.lab.acl import Acl, barred_by
from chaos.lab.fabric.client import FabricClient
from chaos.lab.fabric.condition import DROP, PASS, Condition, LinkName
from chaos.lab.place import Place
from chaos.lab.truth import TruthKind, TruthLog


class Network:
    """All places, links and doors; safe to use from several threads."""

    def __init__(self, fabric: FabricClient, truth: TruthLog, linger: float) -> None:
        self._fabric = fabric
        self._truth = truth
        self._linger = linger
        self._lock = threading.RLock()
        self._places: dict[str, Place] = {}
        self._silent: set[str] = set()
        self._ports: dict[LinkName, int] = {}
        self._conditions: dict[LinkName, Condition] = {}
        self._acls: Mapping[str, Acl] = {}
        self._barred: dict[LinkName, str] = {}
        self._barred_by_subnet: Counter[str] = Counter()

    def place(self, name: str, place: Place) -> None:
        """Say where a component stands. Until then no ACL is about it."""
        with self._lock:
            self._places[name] = place
            self._apply()

    def place_of(self, name: str) -> Place | None:
        """Where a component stands; None where nobody has said so."""
        with self._lock:
            return self._places.get(name)

    def open(self, source: str, destination: str, port: int) -> LinkName:
        """Link a component to another, which listens at that port of 127.0.0.1."""
        name = LinkName(source, destination)
        with self._lock:
            self._ports[name] = self._fabric.open(name, port)
            self._conditions[name] = PASS
            self._apply()
        return name

    def port_of(self, source: str, destination: str) -> int | None:
        """The port of 127.0.0.1 by which one reaches the other; None without such a link."""
        with self._lock:
            return self._ports.get(LinkName(source, destination))

    def silence(self, name: str) -> None:
        """Let nothing through to or from a component, as when its machine is down."""
        with self._lock:
            self._silent.add(name)
            self._apply()

    def restore(self, name: str) -> None:
        """Let through again what was silenced."""
        with self._lock:
            self._silent.discard(name)
            self._apply()

    def remove(self, name: str) -> None:
        """Forget a component; callers that still wait for it wait on for a while."""
        with self._lock:
            for link in [link for link in self._ports if name in link]:
                del self._ports[link], self._conditions[link]
                self._barred.pop(link, None)
                self._fabric.close(link, self._linger)
            self._silent.discard(name)
            self._places.pop(name, None)

    def open_door(self, name: str, ttl: float = 0.0) -> int:
        """Open a door that leads nowhere yet, and return its port of 127.0.0.1.

        Callers keep what it has answered for `ttl` seconds.
        """
        return self._fabric.open_door(name, ttl)

    def lead(self, door: str, links: Sequence[LinkName]) -> None:
        """Let a door lead to these links from now on, in turn."""
        self._fabric.lead(door, links)

    def close_door(self, name: str) -> None:
        """Refuse all callers; connections that are through stay."""
        self._fabric.close_door(name)

    def follow(self, acls: Mapping[str, Acl]) -> None:
        """Let the links pass what the subnets' network ACLs let through."""
        with self._lock:
            if acls != self._acls:
                self._acls = acls
                self._apply()

    def _apply(self) -> None:
        """Give each link the condition that it is to have."""
        self._barred = {
            link: subnet for link in self._ports if (subnet := self._bar(link)) is not None
        }
        for link, condition in self._conditions.items():
            quiet = link in self._barred or not self._silent.isdisjoint(link)
            wanted = DROP if quiet else PASS
            if wanted != condition:
                self._fabric.set(link, wanted)
                self._conditions[link] = wanted
        self._record()

    def _bar(self, link: LinkName) -> str | None:
        source, destination = (self._places.get(end) for end in link)
        return barred_by(source, destination, self._acls) if source and destination else None

    def _record(self) -> None:
        """Say what the ACLs do, where that has changed."""
        now = Counter(self._barred.values())
        for subnet in sorted(now.keys() | self._barred_by_subnet.keys()):
            before, after = self._barred_by_subnet[subnet], now[subnet]
            if after and not before:
                text = f"lets nothing through any more on {after} links: its network ACL denies it"
                self._truth.record(TruthKind.SUBNET_BARRED, subnet, text)
            elif before and not after:
                text = "lets everything through again: its network ACL denies nothing"
                self._truth.record(TruthKind.SUBNET_OPEN, subnet, text)
        self._barred_by_subnet = now

"""Asks the members of a replica set, from outside their subnets, whether they can be reached.

As it asks through the network, an Availability Zone that is cut off shows without being told.
"""

from __future__ import annotations

import asyncio
import time

from chaos.lab.database.endpoints import Endpoints
from chaos.lab.database.member import Member
from chaos.lab.database.probe import answers
from chaos.lab.database.replica_set import ReplicaSet

_EVERY = 0.5
_PATIENCE = 1.0
_LEAST = 2
"""Rounds without an answer before a member counts as out of reach, however slow this machine."""


class Monitor:
    """The watch over one replica set."""

    def __init__(self, members: ReplicaSet, endpoints: Endpoints, detection: float) -> None:
        self._set = members
        self._endpoints = endpoints
        self._detection = detection
        self._silent_rounds: dict[Member, int] = {}

    def is_out_of_reach(self, member: Member) -> bool:
        """Whether nobody outside its subnet has had an answer for long enough."""
        since = member.silent_since
        enough = self._silent_rounds.get(member, 0) >= _LEAST
        return since is not None and enough and time.monotonic() - since >= self._detection

    def forgive(self) -> None:
        """Begin anew with all members, after one was down on purpose."""
        self._silent_rounds.clear()
        for member in self._set.members:
            member.silent_since = None

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.gather(*(self._ask(member) for member in list(self._set.members)))
            await asyncio.sleep(_EVERY)

    async def _ask(self, member: Member) -> None:
        if not member.server.is_alive:
            return  # That is known without asking.
        began = time.monotonic()
        ways = self._endpoints.ways_to(member.name, besides=member.place.subnet)
        for way in ways:
            if await answers(way, _PATIENCE):
                break
        else:
            if ways:
                self._silent_rounds[member] = self._silent_rounds.get(member, 0) + 1
                member.silent_since = member.silent_since or began
                return
        self._silent_rounds.pop(member, None)
        member.silent_since = None

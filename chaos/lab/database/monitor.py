"""Asks the members of a replica set, from outside their subnets, whether they can be reached.

As it asks through the network, an Availability Zone that is cut off shows without being told.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from chaos.lab.database.endpoints import Endpoints
from chaos.lab.database.member import Member
from chaos.lab.database.probe import answers
from chaos.lab.database.replica_set import ReplicaSet
from chaos.lab.database.server import ServerError, attached

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
        return self._silent_rounds.get(member, 0) >= _LEAST and self._is_long_ago(
            member.silent_since
        )

    def is_detached(self, member: Member) -> bool:
        """Whether the primary has sent a standby nothing for long enough, though both live."""
        return self._is_long_ago(member.detached_since)

    def forgive(self) -> None:
        """Begin anew with all members, after one was down on purpose."""
        self._silent_rounds.clear()
        for member in self._set.members:
            member.silent_since = member.detached_since = None

    async def run(self) -> None:
        """Ask for ever."""
        await asyncio.gather(self._ask_members(), self._ask_primary())

    async def _ask_members(self) -> None:
        while True:
            await asyncio.gather(*(self._ask(member) for member in list(self._set.members)))
            await asyncio.sleep(_EVERY)

    async def _ask_primary(self) -> None:
        """Ask the primary whom it sends its data to."""
        while True:
            await asyncio.sleep(_EVERY)
            primary = self._set.primary
            if primary and primary.server.is_alive and self._set.promotable():
                with contextlib.suppress(ServerError):
                    self._note_attached(await attached(primary.server))

    def _note_attached(self, names: set[str]) -> None:
        for standby in self._set.promotable():
            if standby.name in names:
                standby.detached_since = None
            else:
                standby.detached_since = standby.detached_since or time.monotonic()

    def _is_long_ago(self, moment: float | None) -> bool:
        return moment is not None and time.monotonic() - moment >= self._detection

    async def _ask(self, member: Member) -> None:
        if not member.server.is_alive:  # That is known without asking.
            member.silent_since = None
            return
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

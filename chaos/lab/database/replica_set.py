"""A primary and its synchronous standbys: replication, failover, repair.

What makes it safe: no acknowledged commit is lost, and there are never two primaries.

- A standby counts as in sync only from when the primary waits for it at each commit *and* it has
  all that was committed before.
- Before the primary stops waiting for a standby, that standby is out of sync in our books, and
  dead.
- Before a standby is promoted, the old primary is dead, every process of it. Only a standby that
  is in sync is promoted; if there is none, the primary is started again on its own data.

One coroutine decides (`watch` and what else its owner calls), and what it knows dies with it and
all servers together, so nobody can hold another opinion.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from chaos.lab.database.member import Member
from chaos.lab.database.probe import answers
from chaos.lab.database.server import ServerError, Source
from chaos.lab.network import Network
from chaos.lab.truth import TruthKind, TruthLog

_REPAIR_WITHIN = 30.0
_RETRY_AFTER = 0.5
_ANSWER_WITHIN = 1.0
_POLL_EVERY = 0.02

_SHIPPED = """
    SELECT count(*) = cardinality($2::text[]) FROM pg_stat_replication
    WHERE application_name = ANY($2) AND sync_state IN ('sync', 'potential', 'quorum')
    AND flush_lsn >= $1::text::pg_lsn
"""


class ReplicaSet:
    """Members that hold the same data. All methods are of one event loop."""

    def __init__(self, name: str, network: Network, truth: TruthLog) -> None:
        self.name = name
        self.members: list[Member] = []
        self.primary: Member | None = None
        self._network = network
        self._truth = truth
        self._roles = asyncio.Lock()
        """Held by whoever changes what the primary waits for."""

    @property
    def standbys(self) -> list[Member]:
        """All members but the primary."""
        return [member for member in self.members if member is not self.primary]

    def promotable(self) -> list[Member]:
        """The standbys that have all that was acknowledged, and live."""
        return [one for one in self.standbys if one.in_sync and one.server.is_alive]

    async def start(self, primary: Member) -> None:
        """Start a member that has data as the primary; standbys join by `watch`."""
        self.primary = primary
        self.members.append(primary)
        primary.server.configure()
        await primary.server.start()

    def add(self, member: Member) -> None:
        """Let a new standby join."""
        self.members.append(member)

    async def remove(self, member: Member) -> None:
        """Take out a standby for good."""
        await self.give_up(member)
        self.members.remove(member)
        member.server.scrap()

    async def stop(self) -> None:
        """Shut all members down, the primary first: so the standbys have all it had."""
        await self._end_repairs()
        for member in [self.primary, *self.standbys]:
            if member:
                await member.server.stop()

    async def resume(self) -> None:
        """Start what was stopped, in the roles that they had."""
        for member in [self.primary, *self.standbys]:
            wanted = member and (member.in_sync or member is self.primary)
            if member and wanted and not member.server.is_alive:
                await member.server.start()

    async def restart(self, member: Member) -> None:
        """Shut a member down and start it again in place, in the role that it has."""
        await member.server.stop()
        await member.server.start()

    async def end(self) -> None:
        """Kill everything."""
        await self._end_repairs()
        for member in self.members:
            member.server.scrap()

    async def watch(self) -> None:
        """Give up standbys that have died, and repair those that are not in sync."""
        await self._give_up_the_dead()
        for member in self.standbys:
            if member.repair and member.repair.done():
                member.repair.result()
                member.repair = None
            if not member.in_sync and member.repair is None:
                member.repair = asyncio.create_task(self._repair_again_and_again(member))

    async def fail_over(self, target: Member) -> None:
        """Kill the primary for good, and promote a standby that is in sync.

        Raises:
            ServerError: the standby is not in sync, or cannot be promoted.
        """
        if target not in self.promotable():
            raise ServerError(f"{target.name} is not in sync")
        await self._end_repairs()
        for member in self.members:
            if member is not target:
                member.server.kill()
        for member in self.members:
            member.in_sync = False
        self.primary = target
        target.server.configure()
        await target.server.promote()
        text = f"in {target.zone} is the primary of {self.name} now"
        self._truth.record(TruthKind.DATABASE_PROMOTED, target.name, text)

    async def revive_primary(self) -> None:
        """Start a primary that has died again on its own data."""
        if self.primary is None:
            return
        self.primary.server.kill()
        await self._give_up_the_dead()
        self.primary.server.configure(wait_for=_names(self._in_sync()))
        await self.primary.server.start()

    async def give_up(self, member: Member) -> None:
        """Go on without a standby, which is surely dead first."""
        await _end(member)
        was_in_sync, member.in_sync = member.in_sync, False
        member.server.kill()
        async with self._roles:
            self._wait_for(self._in_sync())
        if was_in_sync:
            text = f"in {member.zone} is lost: {self.name} goes on without it"
            self._truth.record(TruthKind.DATABASE_STANDBY_LOST, member.name, text)

    async def _give_up_the_dead(self) -> None:
        for member in self.standbys:
            if member.in_sync and not member.server.is_alive:
                await self.give_up(member)

    async def _repair_again_and_again(self, member: Member) -> None:
        while not member.in_sync:
            with contextlib.suppress(ServerError, TimeoutError):
                async with asyncio.timeout(_REPAIR_WITHIN):
                    await self._repair(member)
            if not member.in_sync:
                await asyncio.sleep(_RETRY_AFTER)

    async def _repair(self, member: Member) -> None:
        """Make a standby anew from the primary, and let the primary wait for it."""
        primary = self.primary
        if primary is None or not primary.server.is_alive:
            return
        source = Source(self._way(member, primary), member.name)
        if not await answers(source.port, _ANSWER_WITHIN):
            raise ServerError(f"{member.name} does not reach {primary.name}")
        await member.server.clone(source)
        member.server.configure(follow=source)
        await member.server.start()
        await self._await_streaming(primary, member)
        async with self._roles:
            try:
                await self._join(primary, member)
            finally:
                if not member.in_sync:  # The primary must not wait for one that is not there.
                    member.server.kill()
                    self._wait_for(self._in_sync())
        text = f"in {member.zone} is a standby of {self.name} that has all its data"
        self._truth.record(TruthKind.DATABASE_IN_SYNC, member.name, text)

    def _way(self, member: Member, primary: Member) -> int:
        """The port by which a standby reaches the primary."""
        port = self._network.port_of(member.name, primary.name)
        if port is None:
            self._network.open(member.name, primary.name, primary.server.port)
            return self._way(member, primary)
        return port

    async def _await_streaming(self, primary: Member, member: Member) -> None:
        query = "SELECT state = 'streaming' FROM pg_stat_replication WHERE application_name = $1"
        async with primary.server.session() as session:
            while not await session.fetchval(query, member.name):
                if not member.server.is_alive:
                    raise ServerError(f"{member.name} has ended")
                await asyncio.sleep(_POLL_EVERY)

    async def _join(self, primary: Member, member: Member) -> None:
        """Let every commit wait for the standby, then see that it has all that came before.

        The setting holds for all sessions once the checkpointer has taken it over, which nothing
        shows. But when one session has it, the postmaster is telling everybody; it takes the next
        connection when it has told all; and between two checkpoints the checkpointer listens.
        """
        wanted = [*self._in_sync(), member]
        self._wait_for(wanted)
        async with primary.server.session() as session:
            shown = ""
            while not all(f'"{one.name}"' in shown for one in wanted):
                shown = await session.fetchval("SHOW synchronous_standby_names")
                await asyncio.sleep(_POLL_EVERY)
        async with primary.server.session() as session:
            await session.execute("CHECKPOINT")
            await session.execute("CHECKPOINT")
            position = await session.fetchval("SELECT pg_current_wal_flush_lsn()::text")
            while not await session.fetchval(_SHIPPED, position, [member.name]):
                if not member.server.is_alive:
                    raise ServerError(f"{member.name} has ended")
                await asyncio.sleep(_POLL_EVERY)
        member.silent_since = member.detached_since = None  # What it was before counts no more.
        member.in_sync = True

    def _wait_for(self, standbys: Iterable[Member]) -> None:
        if self.primary and self.primary.server.is_alive:
            self.primary.server.configure(wait_for=_names(standbys))

    def _in_sync(self) -> list[Member]:
        return [member for member in self.standbys if member.in_sync]

    async def _end_repairs(self) -> None:
        for member in self.members:
            await _end(member)


async def _end(member: Member) -> None:
    """End the repair of a member, if one is under way."""
    repair, member.repair = member.repair, None
    if repair:
        repair.cancel()
        await asyncio.wait([repair])


def _names(members: Iterable[Member]) -> list[str]:
    return [member.name for member in members]

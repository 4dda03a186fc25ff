"""One member of a replica set: a server in a zone, and how it is doing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from chaos.lab.database.server import Server
from chaos.lab.place import Place


@dataclass(eq=False, slots=True)
class Member:
    """A primary or a standby."""

    name: str
    """Of the component in the network, and of the standby in its primary's eyes."""
    zone: str
    place: Place
    server: Server
    in_sync: bool = False
    """Of a standby: whether it has every commit that was ever acknowledged, and will have every one
    to come until this is taken back. Only such a one may be promoted."""
    silent_since: float | None = None
    """From when on (of `time.monotonic`) nobody outside its subnet has had an answer; None where
    the last one who asked had one."""
    detached_since: float | None = None
    """Of a standby in sync: from when on its primary sends it nothing."""
    repair: asyncio.Task[None] | None = field(default=None, repr=False)
    """What makes it a standby that is in sync, while that is under way."""

"""One node of a replication group: a server in an Availability Zone."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.lab.cache.server import CacheServer


@dataclass(slots=True)
class CacheNode:
    """A node and what is known of it. Times are of `time.monotonic`."""

    id: str
    """Its cache cluster's id: `shop-cache-001`."""
    zone: str
    server: CacheServer
    follows: str | None = None
    """The id of the node whose replica it was told to be; None of one that was told nothing."""
    reachable: bool = False
    """Whether most observers get an answer from it."""
    in_sync: bool = False
    """Whether it has its primary's data and gets each change; always true of a primary."""
    missed_since: float | None = None
    """Since when it cannot be reached."""
    start_at: float | None = None
    """When its server is to be started (again); None while it runs."""
    reboots: int = 0
    """Reboots that it has made."""
    rebooting: bool = False
    """Whether it is down because someone wanted it to reboot: that is no failure."""

    @property
    def available(self) -> bool:
        """Whether it does its work."""
        return self.reachable and self.in_sync and self.start_at is None

    def go_down(self, until: float, *, rebooting: bool = False) -> None:
        """Kill its server, to be started again at that time, empty."""
        self.server.kill()
        self.start_at = until
        self.rebooting = rebooting
        self.reachable = self.in_sync = False
        self.follows = None

    def come_up(self) -> None:
        """Start its server."""
        self.server.start()
        self.start_at = self.missed_since = None
        self.follows = None

    def missed_for(self, now: float) -> float:
        """Seconds since it could be reached."""
        return 0.0 if self.missed_since is None else now - self.missed_since

"""What requests tell besides how they ended: who served them, and what their users had of it.

Both are fed request by request, so they only count, and give the sums when they are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from operator import itemgetter
from typing import Any

from chaos.measure.recording import Recording
from chaos.measure.tallies import ServerKey, Tally, UserTime

_GONE_AFTER = 60.0
"""Seconds beyond the time-out in which a user sends nothing until it counts as inactive."""


class ServerWatch:
    """Notes who served requests, as headers of the answers name it."""

    def __init__(self, headers: Sequence[str]) -> None:
        self._names = headers
        self._read: Any = itemgetter(*headers) if headers else lambda _: ()
        self._counts: dict[tuple[int, Any, bool], int] = defaultdict(int)

    def saw(self, headers: Any, second: int, *, good: bool) -> None:
        """The headers of an answer to a request that was due in that second."""
        try:
            named = self._read(headers)
        except KeyError:
            named = tuple(headers[name] for name in self._names if name in headers)
        self._counts[second, named, good] += 1

    def tell(self, into: Recording) -> None:
        """Add what was counted since the last call, but for answers that named nobody."""
        for (second, named, good), times in self._counts.items():
            if named:
                server = "/".join(named) if isinstance(named, tuple) else named
                tally = Tally(ok=times) if good else Tally(bad=times)
                into.servers.setdefault(ServerKey(second, server), Tally()).merge(tally)
        self._counts.clear()


@dataclass(slots=True)
class _Stretch:
    """Time in which a user had the system up, or down, without a change."""

    since: float
    last: float
    """When the user sent its last request so far; both in seconds since the epoch."""
    good: bool

    def add_to(self, times: dict[int, UserTime]) -> None:
        """Add the time to the seconds that it spans, and go on after it."""
        while self.since < self.last:
            second = floor(self.since)
            until = min(self.last, second + 1.0)
            time = times.setdefault(second, UserTime())
            if self.good:
                time.up += until - self.since
            else:
                time.down += until - self.since
            self.since = until


class UserWatch:
    """Notes how long each user had the system up or down: from one of its requests to the next."""

    def __init__(self, timeout: float) -> None:
        self._longest = timeout + _GONE_AFTER
        self._stretches: dict[Any, _Stretch] = {}
        """By user, for which its greenlet stands."""
        self._ended: list[_Stretch] = []

    def saw(self, user: Any, sent_at: float, *, good: bool) -> None:
        """The user's next request."""
        stretch = self._stretches.get(user)
        if stretch is None:
            self._stretches[user] = _Stretch(sent_at, sent_at, good)
        elif stretch.good is good and sent_at - stretch.last <= self._longest:
            stretch.last = sent_at
        else:
            stretch.last = min(sent_at, stretch.last + self._longest)
            self._ended.append(stretch)
            self._stretches[user] = _Stretch(sent_at, sent_at, good)

    def end(self, at: float) -> None:
        """The load is over: what users had last, they had until then."""
        for stretch in self._stretches.values():
            stretch.last = min(at, stretch.last + self._longest)

    def forget_the_dead(self) -> None:
        """What users had after their last request is not known where they have ended since."""
        self._stretches = {u: stretch for u, stretch in self._stretches.items() if not u.dead}

    def tell(self, into: Recording) -> None:
        """Add the time since the last call."""
        for stretch in (*self._ended, *self._stretches.values()):
            stretch.add_to(into.users)
        self._ended.clear()

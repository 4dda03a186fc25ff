"""Per-second, per-endpoint counts and histograms: the whole memory of a load.

A request belongs to the second in which it was due, so one sent into a fault counts there however
late its answer came. Memory is bounded by seconds times endpoints, not by requests: an hour of 20
endpoints takes about 100 MB.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Self

from chaos.measure.histogram import Histogram
from chaos.measure.tallies import ServerKey, Tally, UserTime

UNSENT_ENDPOINT = "(not sent)"
"""The endpoint under which arrivals stand that never became a request."""


class Outcome(StrEnum):
    """How a planned request ended."""

    OK = "ok"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    NOT_SENT = "not_sent"


class SliceKey(NamedTuple):
    """What a slice is about."""

    second: int
    """Whole seconds since the epoch in which the requests were due."""
    endpoint: str
    """As the load test names it, with the method first: `GET /products`."""


@dataclass(slots=True)
class Slice:
    """What became of the requests of one second and endpoint (or of several, merged).

    Latency histograms hold what users waited for: answers that were good, time-outs at the time
    they had waited, and arrivals that were never sent at the time they had waited. Clean errors are
    counted but have no latency, for a quick refusal would flatter the percentiles.
    """

    ok: int = 0
    failed: int = 0
    timed_out: int = 0
    not_sent: int = 0
    response: Histogram = field(default_factory=Histogram)
    """From the moment the request was due, in seconds."""
    service: Histogram = field(default_factory=Histogram)
    """From the moment the request was sent, in seconds."""

    @property
    def planned(self) -> int:
        """All requests that were due: each has exactly one outcome."""
        return self.ok + self.failed + self.timed_out + self.not_sent

    @property
    def bad(self) -> int:
        """Requests that did not get a good answer."""
        return self.failed + self.timed_out + self.not_sent

    @property
    def availability(self) -> float | None:
        """Good requests over planned requests, in 0..1; None where nothing was planned."""
        return self.ok / self.planned if self.planned else None

    @property
    def error_rate(self) -> float | None:
        """Bad requests over planned requests, in 0..1; None where nothing was planned."""
        return self.bad / self.planned if self.planned else None

    def merge(self, other: Slice) -> None:
        """Add all that `other` holds."""
        self.ok += other.ok
        self.failed += other.failed
        self.timed_out += other.timed_out
        self.not_sent += other.not_sent
        self.response.merge(other.response)
        self.service.merge(other.service)

    def pack(self) -> None:
        """Take less room until the next change."""
        self.response.pack()
        self.service.pack()

    def to_json(self) -> list[Any]:
        """A compact JSON value."""
        counts = [self.ok, self.failed, self.timed_out, self.not_sent]
        return [*counts, self.response.to_json(), self.service.to_json()]

    @classmethod
    def from_json(cls, value: list[Any]) -> Self:
        """Read back what `to_json` wrote."""
        ok, failed, timed_out, not_sent, response, service = value
        histograms = Histogram.from_json(response), Histogram.from_json(service)
        return cls(ok, failed, timed_out, not_sent, *histograms)


@dataclass(slots=True)
class Recording:
    """Slices by second and endpoint, and how many planned arrivals they account for."""

    slices: dict[SliceKey, Slice] = field(default_factory=dict)
    arrivals: Counter[int] = field(default_factory=Counter)
    """Open model: arrivals due in each second that have an outcome. Empty in the closed model."""

    servers: dict[ServerKey, Tally] = field(default_factory=dict)
    """Requests whose answer named who served them, by second and server."""
    users: dict[int, UserTime] = field(default_factory=dict)
    """Users' time with the system up and down, by second."""

    def __bool__(self) -> bool:
        return bool(self.slices or self.arrivals or self.servers or self.users)

    def at(self, second: int, endpoint: str) -> Slice:
        """The slice of that second and endpoint, made where it is missing."""
        key = SliceKey(second, endpoint)
        found = self.slices.get(key)
        if found is None:
            found = self.slices[key] = Slice()
        return found

    def record(
        self, endpoint: str, outcome: Outcome, due_at: float, sent_at: float, done_at: float
    ) -> None:
        """Count one request; the times are seconds since the epoch."""
        into = self.at(math.floor(due_at), endpoint)
        if outcome is Outcome.OK:
            into.ok += 1
        elif outcome is Outcome.FAILED:
            into.failed += 1
            return
        else:
            into.timed_out += 1
        into.response.record(done_at - due_at)
        into.service.record(done_at - sent_at)

    def record_unsent(self, due_at: float, gave_up_at: float) -> None:
        """Count one arrival that no user was free to take."""
        into = self.at(math.floor(due_at), UNSENT_ENDPOINT)
        into.not_sent += 1
        into.response.record(gave_up_at - due_at)

    def merge(self, other: Recording) -> None:
        """Add all that `other` holds, packed, for most of it will not change again."""
        for key, piece in other.slices.items():
            into = self.at(*key)
            into.merge(piece)
            into.pack()
        self.arrivals.update(other.arrivals)
        for server, tally in other.servers.items():
            self.servers.setdefault(server, Tally()).merge(tally)
        for second, time in other.users.items():
            self.users.setdefault(second, UserTime()).merge(time)

    def between(self, start: float, end: float, endpoint: str | None = None) -> Slice:
        """All seconds that begin in `[start, end)`, merged; of one endpoint or of all."""
        merged = Slice()
        for key, piece in self.slices.items():
            if start <= key.second < end and endpoint in (None, key.endpoint):
                merged.merge(piece)
        return merged

    def by_second(self, endpoint: str | None = None) -> dict[int, Slice]:
        """One merged slice for each second in which something was due, in order of time."""
        merged: dict[int, Slice] = {}
        for key in sorted(self.slices):
            if endpoint in (None, key.endpoint):
                merged.setdefault(key.second, Slice()).merge(self.slices[key])
        return merged

    def endpoints(self) -> list[str]:
        """The endpoints seen, sorted."""
        return sorted({key.endpoint for key in self.slices})

    def __iter__(self) -> Iterator[tuple[SliceKey, Slice]]:
        return iter(sorted(self.slices.items(), key=lambda item: item[0]))

    def to_json(self) -> dict[str, Any]:
        """A JSON value that merges the same on the other side."""
        return {
            "slices": [[*key, piece.to_json()] for key, piece in self.slices.items()],
            "arrivals": {str(second): times for second, times in self.arrivals.items()},
            "servers": [[*key, tally.ok, tally.bad] for key, tally in self.servers.items()],
            "users": [[second, time.up, time.down] for second, time in self.users.items()],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        slices = {
            SliceKey(second, endpoint): Slice.from_json(piece)
            for second, endpoint, piece in value["slices"]
        }
        arrivals = Counter({int(second): times for second, times in value["arrivals"].items()})
        servers = {
            ServerKey(second, server): Tally(ok, bad)
            for second, server, ok, bad in value.get("servers", ())
        }
        users = {second: UserTime(up, down) for second, up, down in value.get("users", ())}
        return cls(slices, arrivals, servers, users)

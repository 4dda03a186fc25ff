"""What users had of the system: windowed user-uptime, and who served them.

Windowed user-uptime is the share of their time that users had the system up, in the worst window of
each length: it tells one long outage from many short ones, which no single number does (Hauer,
Hoffmann, Lunney, Ardelean, Diwan: "Meaningful Availability", NSDI 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chaos.measure.run import PhaseName, Run
from chaos.measure.tallies import ServerKey, Tally
from chaos.slo.budget import sliding
from chaos.slo.watch import measured_span
from chaos.slo.window import tallied_users, window_of

_WINDOWS = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)


@dataclass(frozen=True, slots=True)
class WorstWindow:
    """The least user-uptime of all windows of one length."""

    seconds: int
    uptime: float
    """In 0..1."""
    ended_at: int
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one server, or one Availability Zone, answered in the measured phases."""

    name: str
    ok: int
    bad: int
    by_phase: dict[PhaseName, float]
    """Availability in 0..1, of the phases in which it answered."""

    @property
    def availability(self) -> float:
        """In 0..1."""
        return self.ok / (self.ok + self.bad)


def worst_windows(run: Run) -> tuple[WorstWindow, ...]:
    """One for each length that fits into the measured phases; none where users were not watched."""
    start, end = measured_span(run)
    tallies = tallied_users(run.load.users, range(math.ceil(start), math.ceil(end)))
    found = []
    for seconds in _WINDOWS:
        windows = list(sliding(tallies, seconds)) if tallies else []
        if windows:
            ended_at, down = max(windows, key=lambda window: window[1])
            found.append(WorstWindow(seconds, 1 - down, ended_at))
    return tuple(found)


def by_server(run: Run) -> tuple[Served, ...]:
    """Each server that named itself in an answer, by name."""
    return _served(run, lambda key: key.server)


def by_zone(run: Run) -> tuple[Served, ...]:
    """Each zone that did, where servers name theirs: `us-east-1a/i-0abc`."""
    return _served(run, lambda key: key.server.rpartition("/")[0])


def _served(run: Run, name_of: Callable[[ServerKey], str]) -> tuple[Served, ...]:
    phases = window_of(run, [name for name in PhaseName if name is not PhaseName.WARMUP]).phases
    tallies: dict[str, dict[PhaseName, Tally]] = {}
    for key, tally in run.load.servers.items():
        name = name_of(key)
        if name and key.second in phases:
            of_name = tallies.setdefault(name, {})
            of_name.setdefault(phases[key.second], Tally()).merge(tally)
    found = (_summed(name, of_name) for name, of_name in sorted(tallies.items()))
    return tuple(served for served in found if served.ok + served.bad)


def _summed(name: str, of_name: dict[PhaseName, Tally]) -> Served:
    tallies: Iterable[Tally] = of_name.values()
    ok, bad = (sum(getattr(tally, kind) for tally in tallies) for kind in ("ok", "bad"))
    shares = {
        phase: of_name[phase].ok / total
        for phase in PhaseName
        if phase in of_name and (total := of_name[phase].ok + of_name[phase].bad)
    }
    return Served(name, ok, bad, shares)

"""What the tests of game days share: a file, a clock that jumps, a scheduler without an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chaos.gameday.day import Day, DayStatus
from chaos.gameday.scheduler import Scheduler, Work
from chaos.gameday.store import FILE_NAME, Store
from chaos.model.gameday import GameDay
from chaos.model.gameday_loading import LoadedGameDay


def quick_store(directory: Path) -> Store:
    """A store that survives everything but a power cut, which costs most of its time."""
    store = Store(directory / FILE_NAME)
    store._db.execute("PRAGMA synchronous = OFF")
    return store


BERLIN = {"timezone": "Europe/Berlin"}


def gameday(**fields: Any) -> GameDay:
    """A game day with one experiment."""
    return GameDay.model_validate({"title": "A day", "experiments": ["x.yaml"], **fields})


def at(day: GameDay, local: str) -> float:
    """That local time of the day's zone, in seconds since the epoch."""
    return datetime.fromisoformat(local).replace(tzinfo=day.timezone).timestamp()


def shown(day: GameDay, moment: float) -> str:
    """Local time with its distance from UTC, which tells apart what comes twice."""
    return f"{datetime.fromtimestamp(moment, day.timezone):%Y-%m-%d %H:%M%z}"


def loaded(directory: Path, declared: GameDay, name: str = "shop") -> LoadedGameDay:
    """That game day as if it had been read from a file."""
    file, experiment = directory / f"{name}.yaml", directory / "x.yaml"
    for one in (file, experiment):
        if not one.exists():
            one.write_text("title: x\n")
    return LoadedGameDay(declared, file, (experiment,))


class JumpingClock:
    """Time passes only when someone sleeps, or a day runs."""

    def __init__(self, start: float) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.001)


@dataclass
class Served:
    """A scheduler with a fast clock and runs that only take time."""

    store: Store
    clock: JumpingClock
    gamedays: list[LoadedGameDay]
    lasts: float = 60.0
    """Seconds that each day takes."""
    look_every: float = 600.0
    """Seconds between two looks, where nothing is to come before."""
    begun: list[tuple[str, float]] = field(default_factory=list)
    """Names of game days and when they began."""
    announced: list[Day] = field(default_factory=list)
    closed: list[Day] = field(default_factory=list)
    recovered: int = 0
    on_run: Callable[[Day], None] = lambda _: None

    def scheduler(self) -> Scheduler:
        """A new one, as after a restart."""
        work = Work(
            gamedays=lambda: self.gamedays,
            begin=self.store.begin,
            run=self._run,
            announce=lambda _, day: self.announced.append(day),
            closed=lambda _, day: self.closed.append(day),
            is_alive=lambda _: False,
            recover=self._recover,
        )
        return Scheduler(self.store, self.clock, work, self.look_every)

    def serve_until(self, end: float) -> None:
        """Serve from now to then, then stop."""
        self.scheduler().serve(stopping=lambda: self.clock.now() >= end)

    def _run(self, one: LoadedGameDay, day: Day) -> None:
        self.begun.append((one.name, self.clock.now()))
        self.on_run(day)
        self.clock.sleep(self.lasts)
        self.store.end(day.id, DayStatus.PASSED, self.clock.now())

    def _recover(self) -> None:
        self.recovered += 1

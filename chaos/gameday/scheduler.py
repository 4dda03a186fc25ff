"""The scheduler: what is due is begun once, whatever happens to the process.

A look at the schedule writes, in one transaction, which days have become due and up to when it
looked. To begin a day is a change of its row that only one process can make. So a kill at any
moment leaves either nothing or something the next look goes on from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.engine.clock import Clock
from chaos.gameday import approval
from chaos.gameday.calendar import Occurrence, closed_because, next_occurrence, occurrences
from chaos.gameday.day import Day, DayStatus, day_id
from chaos.gameday.leader import Leadership
from chaos.gameday.store import Store
from chaos.model.gameday import WhenMissed
from chaos.model.gameday_loading import LoadedGameDay

LOOK_EVERY = 15.0
"""Seconds between two looks, at most: files change, approvals come, clocks are set."""


@dataclass(frozen=True)
class Work:
    """What a scheduler lets others do."""

    gamedays: Callable[[], Sequence[LoadedGameDay]]
    """As their files are now."""
    begin: Callable[[Day, float], bool]
    """Takes the right to run a day; False where it has been taken."""
    run: Callable[[LoadedGameDay, Day], object]
    """Runs a day whose right to run has been taken, and writes its end into the store."""
    announce: Callable[[LoadedGameDay, Day], None]
    """Tells people of a day to come."""
    closed: Callable[[LoadedGameDay, Day], None]
    """Tells people of a day that is over without having run to its end."""
    is_alive: Callable[[Day], bool]
    """Whether some process runs that day."""
    recover: Callable[[], None]
    """Puts back what earlier runs left broken."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The day may begin now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet."""


@dataclass(frozen=True, slots=True)
class Close:
    """It will not run."""

    status: DayStatus
    reason: str


class Scheduler:
    """Begins game days when they are due, while it leads."""

    def __init__(
        self, store: Store, clock: Clock, work: Work, look_every: float = LOOK_EVERY
    ) -> None:
        self._look_every = look_every
        self._store = store
        self._clock = clock
        self._work = work
        self._leadership = Leadership(store.file)
        self._leads = False

    def serve(self, stopping: Callable[[], bool]) -> None:
        """Look and sleep until told to stop."""
        try:
            while not stopping():
                wake_at = self.look()
                if not stopping():
                    self._clock.sleep(max(0.0, wake_at - self._clock.now()))
        finally:
            self._leadership.give_up()

    def look(self) -> float:
        """Begin what is due, if this is the one that leads; when to look again."""
        if not self._lead():
            return self._clock.now() + self._look_every
        loaded = self._work.gamedays()
        for one in loaded:
            self._store.know(one.name, one.file)
            self._look_at(one)
        now = self._clock.now()
        return min(
            [now + self._look_every, *(at for one in loaded if (at := self._next(one, now)))]
        )

    def _lead(self) -> bool:
        if not self._leadership.take():
            return False
        if not self._leads:
            self._leads = True
            self._take_over()
        return True

    def _take_over(self) -> None:
        """What was running when the one before was killed is put back, and not run again."""
        by_name = {one.name: one for one in self._work.gamedays()}
        cut_off = self._store.interrupt(self._clock.now(), self._work.is_alive, by_name)
        self._work.recover()
        for day in cut_off:
            self._closed(by_name[day.gameday], day.id)

    def _look_at(self, loaded: LoadedGameDay) -> None:
        now = self._clock.now()
        seen = self._store.seen_until(loaded.name)
        # A day is missed only by a scheduler that knew of it.
        new = occurrences(loaded.gameday, seen, now) if seen is not None and now > seen else ()
        if seen is None or now > seen:
            due = [day_of(loaded, one, DayStatus.DUE) for one in new]
            self._store.see(loaded.name, now, due)
        self._announce_next(loaded, now)
        for day in self._store.due(loaded.name):
            self._decide(loaded, day)

    def _announce_next(self, loaded: LoadedGameDay, now: float) -> None:
        coming = next_occurrence(loaded.gameday, now)
        if coming and coming.starts_at - loaded.gameday.notifications.ahead <= now:
            day = day_of(loaded, coming, DayStatus.ANNOUNCED, announced_at=now)
            if self._store.announce(day):
                self._work.announce(loaded, day)

    def _decide(self, loaded: LoadedGameDay, day: Day) -> None:
        now = self._clock.now()
        lacking = approval.lacking(self._store, loaded, day, now)
        newest = self._store.due(loaded.name)[-1].id == day.id
        match ruling(loaded, day, now, lacking, newest=newest):
            case Begin():
                if self._work.begin(day, now):
                    self._work.run(loaded, day)
            case Close(status, reason):
                self._store.end(day.id, status, now, reason)
                self._closed(loaded, day.id)

    def _closed(self, loaded: LoadedGameDay, name: str) -> None:
        day = self._store.day(name)
        if day is not None:
            self._work.closed(loaded, day)

    def _next(self, loaded: LoadedGameDay, now: float) -> float | None:
        """When it is due next; in the past where that came while another day ran."""
        seen = self._store.seen_until(loaded.name)
        coming = next_occurrence(loaded.gameday, now if seen is None else seen)
        return coming.starts_at if coming else None


def ruling(
    loaded: LoadedGameDay, day: Day, now: float, lacking: str | None, *, newest: bool
) -> Begin | Wait | Close:
    """What is to be done with a day that is due.

    `lacking` says which approval is missing; `newest` that no later day of the same game day is
    due as well.
    """
    schedule = loaded.gameday.schedule
    if schedule is None:
        return Close(DayStatus.WITHDRAWN, "it is no longer scheduled")
    closed = closed_because(loaded.gameday, now)
    late = now - day.starts_at > schedule.late
    if lacking:
        return Close(DayStatus.REFUSED, lacking) if late or closed else Wait()
    if not late:
        return Close(DayStatus.MISSED, closed) if closed else Begin()
    if schedule.missed is WhenMissed.SKIP:
        return Close(DayStatus.MISSED, "nobody was there to run it in time")
    if not newest:
        return Close(DayStatus.MISSED, "a later one takes its place")
    return Wait() if closed else Begin()


def day_of(
    loaded: LoadedGameDay,
    coming: Occurrence,
    status: DayStatus,
    announced_at: float | None = None,
) -> Day:
    """The day that an occurrence of a game day is."""
    return Day(
        id=day_id(loaded.name, coming.declared_for),
        gameday=loaded.name,
        title=loaded.gameday.title,
        file=str(loaded.file.resolve()),
        starts_at=coming.starts_at,
        status=status,
        announced_at=announced_at,
    )

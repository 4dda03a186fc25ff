"""What the scheduler knows, in SQLite: each change is on disk, whole or not at all."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from chaos.gameday.day import (
    Approved,
    Day,
    DayRun,
    DayStatus,
    Delivery,
    Note,
)
from chaos.model.problems import EnvironmentUnusable
from chaos.model.secrets import conceal

FILE_NAME = "gamedays.sqlite"

_DAY_AND_TIME = re.compile(r"-\d{8}-\d{6}$")
"""What the id of a day has after the name of its game day."""

_PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""

_CUT_OFF = "its process was ended while it ran"

_TABLES = """
CREATE TABLE IF NOT EXISTS days (
    id TEXT PRIMARY KEY, gameday TEXT NOT NULL, title TEXT NOT NULL, file TEXT NOT NULL,
    starts_at REAL NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    announced_at REAL, began_at REAL, ended_at REAL);
CREATE TABLE IF NOT EXISTS files (gameday TEXT PRIMARY KEY, file TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (gameday TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    day TEXT NOT NULL, position INTEGER NOT NULL, file TEXT NOT NULL, title TEXT NOT NULL,
    expect TEXT NOT NULL, status TEXT NOT NULL, began_at REAL NOT NULL, ended_at REAL,
    run_id TEXT, said TEXT NOT NULL, PRIMARY KEY (day, position));
CREATE TABLE IF NOT EXISTS notes (
    day TEXT NOT NULL, at REAL NOT NULL, by TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS approvals (
    what TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL, expires_at REAL NOT NULL,
    digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    day TEXT NOT NULL, at REAL NOT NULL, occasion TEXT NOT NULL, channel TEXT NOT NULL,
    error TEXT NOT NULL);
"""

_Row = TypeVar("_Row", Day, DayRun, Note, Approved, Delivery)

_TABLE_OF: dict[type, str] = {
    Day: "days",
    DayRun: "runs",
    Note: "notes",
    Approved: "approvals",
    Delivery: "deliveries",
}


class Store:
    """The state of all game days of one place; may be open in several processes at once."""

    def __init__(self, file: Path) -> None:
        """Open it, or begin it.

        Raises:
            EnvironmentUnusable: it cannot be opened, or is no store.
        """
        self.file = file
        self._one_at_a_time = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Notes are taken on a thread of their own.
            self._db = sqlite3.connect(
                file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise EnvironmentUnusable(f"{file}: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """All changes within are made, or none."""
        with self._one_at_a_time:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def know(self, gameday: str, file: Path) -> None:
        """Remember where the file of that game day is."""
        if self.file_of(gameday) != file.resolve():
            with self._changing():
                self._db.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?)", (gameday, str(file.resolve()))
                )

    def file_of(self, name: str) -> Path | None:
        """The file of the game day that is called so, or that a day with that id is of."""
        gameday = _DAY_AND_TIME.sub("", name)
        query = "SELECT file FROM files WHERE gameday IN (?, ?)"
        row = self._db.execute(query, (name, gameday)).fetchone()
        return None if row is None else Path(row[0])

    def seen_until(self, gameday: str) -> float | None:
        """Up to when its schedule has been looked at; None where it was never seen."""
        row = self._db.execute("SELECT until FROM seen WHERE gameday = ?", (gameday,)).fetchone()
        return None if row is None else float(row[0])

    def see(self, gameday: str, until: float, due: Sequence[Day] = ()) -> None:
        """Its schedule has been looked at up to then, and these days have become due.

        Days that were announced up to then and are not among them are no longer in the schedule.
        """
        with self._changing():
            for day in due:
                self._insert(day)
                self._set("status = 'due' WHERE id = ? AND status = 'announced'", day.id)
            self._set(
                "status = 'withdrawn' "
                "WHERE gameday = ? AND status = 'announced' AND starts_at <= ?",
                gameday,
                until,
            )
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (gameday, until))

    def announce(self, day: Day) -> bool:
        """Note that people are told of a day to come; False where that was noted before."""
        if self.day(day.id) is not None:
            return False
        with self._changing():
            return self._insert(day)

    def begin(self, day: Day, now: float, live: Callable[[], object] = lambda: None) -> bool:
        """Take the right to run it; False where it has been taken. Nobody gets it twice.

        `live` makes its process seen as alive, before anybody sees that the day runs.
        """
        with self._changing():
            self._insert(day)
            taken = self._set(
                "status = 'running', began_at = ? WHERE id = ? AND status IN ('due', 'announced')",
                now,
                day.id,
            )
            if taken:
                live()
        return taken

    def end(self, day: str, status: DayStatus, now: float, reason: str = "") -> None:
        """What became of it."""
        with self._changing():
            said = conceal(reason)
            self._set("status = ?, reason = ?, ended_at = ? WHERE id = ?", status, said, now, day)

    def interrupt(
        self, now: float, is_alive: Callable[[Day], bool], gamedays: Collection[str]
    ) -> list[Day]:
        """Close the days of these that were running when their process ended; which they are."""
        with self._changing():
            running = (day for day in self._days("status = 'running'") if day.gameday in gamedays)
            cut_off = [day for day in running if not is_alive(day)]
            for day in cut_off:
                self._db.execute(
                    "UPDATE runs SET status = 'aborted', said = ?, ended_at = ? "
                    "WHERE day = ? AND status = 'running'",
                    ("It was cut off; chaos recover puts back what is open.", now, day.id),
                )
                self._set(
                    "status = 'interrupted', reason = ?, ended_at = ? WHERE id = ?",
                    _CUT_OFF,
                    now,
                    day.id,
                )
        return cut_off

    def day(self, name: str) -> Day | None:
        """The day of that id."""
        return next(iter(self._days("id = ?", name)), None)

    def due(self, gameday: str) -> list[Day]:
        """What waits to begin, the earliest first."""
        return self._days("gameday = ? AND status = 'due'", gameday)

    def days(self) -> list[Day]:
        """All there are, the earliest first."""
        return self._days("1")

    def days_now(self, is_alive: Callable[[Day], bool]) -> list[Day]:
        """The same; those whose process was ended while they ran as interrupted.

        That is only shown: whoever closes such a day (see `interrupt`) also tells people.
        """
        with self._changing():  # so that none ends between its status and the look at its process
            return [
                replace(day, status=DayStatus.INTERRUPTED, reason=_CUT_OFF)
                if day.status is DayStatus.RUNNING and not is_alive(day)
                else day
                for day in self.days()
            ]

    def keep(self, row: DayRun | Note | Approved | Delivery) -> None:
        """Add a row, or replace the run of the same position."""
        with self._changing():
            self._insert(row, "REPLACE")

    def runs(self, day: str) -> list[DayRun]:
        """Its experiments, in order."""
        return self._rows(DayRun, "day = ? ORDER BY position", day)

    def notes(self, day: str) -> list[Note]:
        """What people said, in order of time."""
        return self._rows(Note, "day = ? ORDER BY at", day)

    def approvals(self, *names: str) -> list[Approved]:
        """Those given to any of these, the newest last."""
        marks = ", ".join("?" * len(names))
        return self._rows(Approved, f"what IN ({marks}) ORDER BY at", *names)

    def deliveries(self, day: str) -> list[Delivery]:
        """What became of its notifications."""
        return self._rows(Delivery, "day = ? ORDER BY at", day)

    def _days(self, condition: str, *values: object) -> list[Day]:
        return self._rows(Day, f"{condition} ORDER BY starts_at, id", *values)

    def _rows(self, kind: type[_Row], condition: str, *values: object) -> list[_Row]:
        names = [field.name for field in fields(kind)]
        # Nothing of a user's is in the statement's text.
        query = f"SELECT {', '.join(names)} FROM {_TABLE_OF[kind]} WHERE {condition}"  # noqa: S608
        found = self._db.execute(query, values)
        return [kind(**dict(zip(names, row, strict=True))) for row in found]

    def _insert(self, row: Any, otherwise: str = "IGNORE") -> bool:
        values = asdict(row)
        marks = ", ".join("?" * len(values))
        names = ", ".join(values)
        query = f"INSERT OR {otherwise} INTO {_TABLE_OF[type(row)]} ({names}) VALUES ({marks})"  # noqa: S608
        return self._db.execute(query, tuple(values.values())).rowcount == 1

    def _set(self, assignment: str, *values: object) -> bool:
        return self._db.execute(f"UPDATE days SET {assignment}", values).rowcount == 1  # noqa: S608

"""All of one game day in one value: its runs, what people noted, who noticed what first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chaos.engine.stored_run import StoredRun, read_run
from chaos.gameday.day import Approved, Day, DayRun, Delivery, Note, NoteKind
from chaos.gameday.store import Store
from chaos.model.gameday import GameDay
from chaos.model.gameday_loading import LoadedGameDay
from chaos.model.probe import AlarmProbe
from chaos.model.problems import ChaosError
from chaos.report.conclude import conclude
from chaos.report.result import Result


@dataclass(frozen=True, slots=True)
class Noticed:
    """Who noticed the first fault of a run, each in seconds from its injection; None: never."""

    users: float | None = None
    """The first bad second that users saw."""
    alarm: float | None = None
    alarm_name: str = ""
    person: float | None = None
    person_name: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One experiment of the day."""

    run: DayRun
    result: Result | None
    """None where there is no run that can be read."""
    directory: Path | None
    """Of the run; None where there is nothing left of it."""
    noticed: Noticed
    notes: tuple[Note, ...]

    def link(self, page: str) -> str | None:
        """To that page of the run, from beside its directory; what was cut off may have none."""
        if self.directory is None:
            return None
        there = (self.directory / page).exists()
        return f"../{self.directory.name}/{page if there else ''}"


@dataclass(frozen=True, slots=True)
class Joined:
    """What the report of a day is made from."""

    day: Day
    gameday: GameDay
    chapters: tuple[Chapter, ...]
    notes: tuple[Note, ...]
    """Those of no experiment."""
    follow_ups: tuple[Note, ...]
    approvals: tuple[Approved, ...]
    deliveries: tuple[Delivery, ...]


def join(store: Store, loaded: LoadedGameDay, day: Day, reports: Path) -> Joined:
    """Read it all; runs are judged again from what is stored of them."""
    runs, notes = store.runs(day.id), store.notes(day.id)
    follow_ups = tuple(note for note in notes if note.kind is NoteKind.FOLLOW_UP)
    said = [note for note in notes if note.kind is not NoteKind.FOLLOW_UP]
    chapters = tuple(_chapter(run, runs, said, reports) for run in runs)
    of_runs = {note for chapter in chapters for note in chapter.notes}
    return Joined(
        day=day,
        gameday=loaded.gameday,
        chapters=chapters,
        notes=tuple(note for note in said if note not in of_runs),
        follow_ups=follow_ups,
        approvals=tuple(_in_time(store.approvals(day.id, loaded.name), day)[-1:]),
        deliveries=tuple(store.deliveries(day.id)),
    )


def _in_time(approvals: list[Approved], day: Day) -> list[Approved]:
    began = day.began_at or day.starts_at
    return [one for one in approvals if one.at <= began < one.expires_at]


def _chapter(run: DayRun, runs: list[DayRun], notes: list[Note], reports: Path) -> Chapter:
    """With the notes from its beginning to the next one's: people write down late."""
    following = [one.began_at for one in runs if one.position > run.position]
    end = min(following, default=float("inf"))
    mine = tuple(note for note in notes if run.began_at <= note.at < end)
    directory = reports / run.run_id if run.run_id and (reports / run.run_id).exists() else None
    stored = _stored(directory) if directory else None
    if stored is None:
        return Chapter(run, None, directory, Noticed(), mine)
    result = conclude(stored.experiment, stored.run)
    return Chapter(run, result, directory, _noticed(stored, result, mine), mine)


def _stored(directory: Path) -> StoredRun | None:
    """None where the run's directory was removed, or cannot be read."""
    try:
        return read_run(directory)
    except (ChaosError, OSError):
        return None


def _noticed(stored: StoredRun, result: Result, notes: Iterable[Note]) -> Noticed:
    injected = [fault for fault in result.faults if fault.times.inject_confirmed_at is not None]
    if not injected:
        return Noticed()
    first = min(injected, key=lambda fault: fault.times.inject_confirmed_at or 0.0)
    began = first.times.inject_called_at or first.times.inject_confirmed_at or 0.0
    confirmed = first.times.inject_confirmed_at or began
    alarm = min(_alarms(stored, began), default=None)
    seen = (note for note in notes if note.kind is NoteKind.DETECTED and note.at >= began)
    person = next(seen, None)
    return Noticed(
        users=first.detected_after_s,
        alarm=max(0.0, alarm[0] - confirmed) if alarm else None,
        alarm_name=alarm[1] if alarm else "",
        person=max(0.0, person.at - confirmed) if person else None,
        person_name=person.by if person else "",
    )


def _alarms(stored: StoredRun, since: float) -> Iterable[tuple[float, str]]:
    """When each alarm that the run watched began to ring, as far as it was seen."""
    for series in stored.run.probes:
        probe = stored.experiment.probes.get(series.name)
        if isinstance(probe, AlarmProbe):
            rang = (
                after.due_at + after.took
                for before, after in pairwise(series.samples)
                if before.good and not after.good
            )
            first = next((at for at in rang if at >= since), None)
            if first is not None:
                yield first, probe.alarm

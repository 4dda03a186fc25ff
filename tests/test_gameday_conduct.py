"""Conducting a day: what may not begin does not, and every day comes to an end that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chaos.gameday.approval import approve
from chaos.gameday.conduct import Go, Parts, Ran, conduct
from chaos.gameday.day import Day, DayRun, DayStatus, NoteKind, RunStatus
from chaos.gameday.note_taking import NoteTaker, clock_time
from chaos.gameday.selection import Chosen
from chaos.model.gameday import Participant
from chaos.model.gameday_loading import LoadedGameDay
from chaos.model.problems import EnvironmentUnusable, InvalidInput, Refused
from tests.gameday_parts import JumpingClock, gameday, loaded, quick_store

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC).timestamp()


@dataclass
class Played:
    """A stage on which nothing is broken."""

    clock: JumpingClock
    outcomes: list[Ran | Exception] = field(default_factory=list)
    """Of the experiments in turn; then they pass."""
    not_met: Sequence[str] = ()
    unusable: bool = False
    mistaken: bool = False
    ran: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, _: LoadedGameDay) -> Iterator[Played]:
        if self.unusable:
            raise EnvironmentUnusable("AWS does not answer")
        if self.mistaken:
            raise KeyError("a mistake of ours")
        yield self

    def unmet(self) -> Sequence[str]:
        return self.not_met

    def run(self, chosen: Chosen, begun: Callable[[str], None]) -> Ran:
        self.ran.append(chosen.file.name)
        begun(f"run-{len(self.ran)}")
        self.clock.sleep(60)
        outcome = self.outcomes.pop(0) if self.outcomes else Ran(RunStatus.PASS, "Met.", "run-1")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Facilitating:
    """A facilitator with the answers ready."""

    def __init__(self, *answers: Go) -> None:
        self.answers = list(answers)
        self.told: list[RunStatus] = []

    def before(self, _day: Day, _chosen: Chosen, _of: int) -> Go:
        return self.answers.pop(0) if self.answers else Go.RUN

    def after(self, _day: Day, run: DayRun) -> None:
        self.told.append(run.status)


class Room:
    """A day of three experiments, and all that it takes."""

    def __init__(self, directory: Path, **fields: Any) -> None:
        self.store = quick_store(directory)
        self.clock = JumpingClock(NOON)
        self.stage = Played(self.clock)
        self.facilitator = Facilitating()
        self.stopped: str | None = None
        self.announced = 0
        files = [f"{name}.yaml" for name in "abc"]
        for name in files:
            (directory / name).write_text("title: x\n")
        declared = gameday(**{"experiments": files, **fields})
        one = loaded(directory, declared)
        self.loaded = LoadedGameDay(declared, one.file, tuple(directory / name for name in files))

    def conduct(self) -> Day:
        """Run it through."""
        day = Day("shop-1", "shop", "A day", "shop.yaml", NOON, DayStatus.DUE)
        assert self.store.begin(day, NOON)
        parts = Parts(
            store=self.store,
            clock=self.clock,
            open=self.stage.open,
            title_of=lambda chosen: chosen.file.stem,
            facilitator=self.facilitator,
            stopped=lambda: self.stopped,
            announce=self._announce,
        )
        done = conduct(self.loaded, day, parts)
        assert done == self.store.day(day.id)
        self.statuses = [str(run.status) for run in self.store.runs(day.id)]
        return done

    def _announce(self, _: Day) -> None:
        self.announced += 1


def test_a_day_runs_its_experiments_in_order_with_pauses(tmp_path: Path) -> None:
    """And keeps when each began and ended."""
    room = Room(tmp_path, pause="5m")
    assert room.conduct().status is DayStatus.PASSED
    runs = room.store.runs("shop-1")
    assert [run.title for run in runs] == ["a", "b", "c"]
    assert [round(run.began_at - NOON) for run in runs] == [0, 360, 720]
    assert all(run.ended_at == run.began_at + 60 for run in runs)
    assert (room.announced, runs[0].run_id, runs[0].said) == (1, "run-1", "Met.")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"blackouts": ["2026-06-01"]}, "2026-06-01 is a blackout date"),
        ({"windows": [{"from": "14:00", "to": "15:00"}]}, "no window is open"),
        ({"approval": {"required": True}}, "nobody has approved it"),
    ],
)
def test_what_may_not_begin_touches_nothing(
    tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    """Not even the environment is opened, and nobody is told that it begins."""
    room = Room(tmp_path, **fields)
    room.stage.unusable = True
    done = room.conduct()
    assert (done.status, room.stage.ran, room.announced) == (DayStatus.REFUSED, [], 0)
    assert reason in done.reason


def test_an_approved_day_begins_unless_the_kill_switch_is_on(tmp_path: Path) -> None:
    """Whatever else says yes."""
    for stopped, status in ((None, DayStatus.PASSED), ("killed", DayStatus.REFUSED)):
        directory = tmp_path / str(stopped)
        directory.mkdir()
        room = Room(directory, approval={"required": True})
        approve(room.store, room.loaded, "shop-1", "Lead", NOON)
        room.stopped = stopped
        assert room.conduct().status is status


def test_preconditions_that_do_not_hold_refuse_the_day(tmp_path: Path) -> None:
    """All of them are named; nothing was run."""
    room = Room(tmp_path)
    room.stage.not_met = ["alarm shop-5xx: ALARM, expected OK", "freeze file F: it is there"]
    done = room.conduct()
    assert done.status is DayStatus.REFUSED
    assert "alarm shop-5xx: ALARM, expected OK; freeze file F" in done.reason
    assert room.stage.ran == []


def test_an_environment_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """It is neither a pass nor a failure of the system."""
    room = Room(tmp_path)
    room.stage.unusable = True
    assert room.conduct().status is DayStatus.UNUSABLE


def test_a_mistake_of_ours_ends_the_day_and_not_the_scheduler(tmp_path: Path) -> None:
    """It says what it was, for whoever reads the history."""
    room = Room(tmp_path)
    room.stage.mistaken = True
    done = room.conduct()
    assert (done.status, room.stage.ran) == (DayStatus.UNUSABLE, [])
    assert "unexpected KeyError: 'a mistake of ours'" in done.reason


@pytest.mark.parametrize(
    ("on_failure", "outcome", "status", "statuses"),
    [
        ("stop", RunStatus.FAIL, DayStatus.FAILED, ["pass", "fail"]),
        ("continue", RunStatus.FAIL, DayStatus.FAILED, ["pass", "fail", "pass"]),
        ("stop", RunStatus.INCONCLUSIVE, DayStatus.INCONCLUSIVE, ["pass", "inconclusive"]),
        ("continue", RunStatus.ABORTED, DayStatus.ABORTED, ["pass", "aborted", "pass"]),
        ("continue", RunStatus.BROKEN, DayStatus.BROKEN, ["pass", "broken"]),
    ],
)
def test_after_a_failure_it_stops_or_goes_on_as_it_says(
    tmp_path: Path,
    on_failure: str,
    outcome: RunStatus,
    status: DayStatus,
    statuses: list[str],
) -> None:
    """Where something is still broken, it never goes on."""
    room = Room(tmp_path, on_failure=on_failure)
    room.stage.outcomes = [Ran(RunStatus.PASS, ""), Ran(outcome, "")]
    assert room.conduct().status is status
    assert room.statuses == statuses


def test_whatever_an_experiment_raises_the_day_has_an_end(tmp_path: Path) -> None:
    """Refused, not usable, or a mistake of ours: all are told."""
    room = Room(tmp_path, on_failure="continue")
    room.stage.outcomes = [Refused("zero targets"), EnvironmentUnusable("no load"), ValueError("?")]
    assert room.conduct().status is DayStatus.BROKEN
    assert room.statuses == ["refused", "unusable", "broken"]
    assert "unexpected ValueError" in room.store.runs("shop-1")[2].said


def test_a_window_that_closes_ends_the_day_before_the_next_experiment(tmp_path: Path) -> None:
    """What has begun is not cut off."""
    room = Room(tmp_path, windows=[{"from": "12:00", "to": "12:02"}], pause="45s")
    done = room.conduct()
    assert (done.status, room.statuses) == (DayStatus.ABORTED, ["pass", "pass"])
    assert "no window is open" in done.reason


def test_a_signal_during_a_pause_ends_the_day(tmp_path: Path) -> None:
    """It does not wait for the pause to end."""
    room = Room(tmp_path, pause="1h")
    room.clock.sleep(0)

    def sleep(seconds: float) -> None:
        room.clock.time += seconds
        if room.clock.time > NOON + 120:
            room.stopped = "interrupted by SIGTERM"

    room.clock.sleep = sleep  # type: ignore[method-assign]
    done = room.conduct()
    assert (done.status, done.reason) == (DayStatus.ABORTED, "interrupted by SIGTERM")
    assert room.clock.time < NOON + 130


def test_the_facilitator_leaves_one_out_or_ends_it(tmp_path: Path) -> None:
    """And is told how each one went."""
    room = Room(tmp_path)
    room.facilitator = Facilitating(Go.SKIP, Go.RUN, Go.STOP)
    done = room.conduct()
    assert (done.status, done.reason) == (DayStatus.ABORTED, "the facilitator ended it")
    assert room.statuses == ["skipped", "pass"]
    assert room.facilitator.told == [RunStatus.SKIPPED, RunStatus.PASS]


def test_a_typed_line_is_a_note_with_its_kind_its_time_and_who_said_it() -> None:
    """Of the participants; others' names stay in the text."""
    taker = NoteTaker("shop-1", "Observer", [Participant(name="Lead")], UTC)
    note = taker.read("!@11:58 lead: 5xx on the dashboard", NOON)
    assert note is not None
    assert (note.kind, note.by, note.text) == (NoteKind.DETECTED, "Lead", "5xx on the dashboard")
    assert note.at == NOON - 120
    follow_up = taker.read("> alert: on one zone", NOON)
    assert follow_up is not None
    assert (follow_up.kind, follow_up.by) == (NoteKind.FOLLOW_UP, "Observer")
    assert follow_up.text == "alert: on one zone"
    assert taker.read("  \n", NOON) is None
    with pytest.raises(InvalidInput, match="no time of day"):
        taker.read("@25:00 x", NOON)


def test_a_time_of_day_is_the_last_one_that_was() -> None:
    """Just after midnight, 23:58 was yesterday."""
    midnight = datetime(2026, 6, 2, 0, 1, tzinfo=UTC).timestamp()
    assert clock_time("23:58:30", midnight, UTC) == midnight - 150

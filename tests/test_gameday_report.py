"""The joined report of a game day: all runs, who noticed what first, notes and follow-ups."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.gameday.approval import approve
from chaos.gameday.day import Day, DayRun, DayStatus, Delivery, Note, NoteKind, RunStatus
from chaos.gameday.html import render_html
from chaos.gameday.joined import Joined, join
from chaos.gameday.markdown import render_markdown
from chaos.gameday.store import Store
from chaos.gameday.write import write_day
from chaos.model.gameday_loading import LoadedGameDay
from tests.gameday_parts import gameday, loaded, quick_store
from tests.simulation import START, Simulation

EXPERIMENT = """
title: The service survives <losing> half of it
load: {locustfile: load.py, rate: 10/s}
phases: {baseline: 10s, recovery: 10s}
slos: [{sli: availability, objective: ">= 99%"}]
probes: {the-alarm: {alarm: "shop-5xx", every: 1s}}
targets: {half: {type: aws:ec2:instance, ids: [i-0, i-1, i-2]}}
actions: {stop: {action: aws:ec2:stop-instances, targets: half, duration: 10s}}
"""

DAY = Day("shop-1", "shop", "Thursday", "x.yaml", START, DayStatus.FAILED, began_at=START)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run."""
    directory = tmp_path_factory.mktemp("simulated")
    Simulation(directory, EXPERIMENT).run()
    return directory


@pytest.fixture
def reports(simulated: Path, tmp_path: Path) -> Path:
    """A directory with that run in it."""
    shutil.copytree(simulated, tmp_path / "run-1")
    (tmp_path / "run-1" / "report.html").touch()
    return tmp_path


@pytest.fixture
def one(tmp_path: Path) -> LoadedGameDay:
    """The game day that the run was part of."""
    people = [{"name": "Lead", "role": "facilitator"}]
    return loaded(tmp_path, gameday(title="Thursday", owner="shop-team", participants=people))


def told(store: Store, one: LoadedGameDay, reports: Path) -> Joined:
    """A day of two experiments, of which one was skipped, with notes of every kind."""
    first = DayRun("shop-1", 1, "x.yaml", "Half is lost", "", RunStatus.FAIL, START)
    first = replace(first, ended_at=START + 60, run_id="run-1", said="Missed.", expect="A dent.")
    second = DayRun("shop-1", 2, "y.yaml", "Skipped one", "", RunStatus.SKIPPED, START + 200)
    for run in (first, second):
        store.keep(run)
    for at, kind, text in (
        (-60.0, NoteKind.NOTE, "everybody is here"),
        (30.0, NoteKind.DETECTED, "5xx on the dashboard"),
        (90.0, NoteKind.NOTE, "the pager was silent | really"),
        (95.0, NoteKind.FOLLOW_UP, "alert on one zone"),
        (201.0, NoteKind.NOTE, "no time for this one"),
    ):
        store.keep(Note("shop-1", START + at, "Lead", kind, text))
    approve(store, one, "shop-1", "Oncall", START - 100)
    store.keep(Delivery("shop-1", START, "before", "slack", "HTTP 500"))
    return join(store, one, DAY, reports)


def test_each_note_stands_where_it_was_made(one: LoadedGameDay, reports: Path) -> None:
    """Those before the first experiment, and what is to be done, have places of their own."""
    store = quick_store(reports)
    joined = told(store, one, reports)
    texts = [[note.text for note in chapter.notes] for chapter in joined.chapters]
    assert texts == [
        ["5xx on the dashboard", "the pager was silent | really"],
        ["no time for this one"],
    ]
    assert [note.text for note in joined.notes] == ["everybody is here"]
    assert [note.text for note in joined.follow_ups] == ["alert on one zone"]
    store.close()


def test_human_detection_stands_beside_what_users_and_the_alarm_saw(
    one: LoadedGameDay, reports: Path
) -> None:
    """All from the confirmed injection of the first fault."""
    joined = told(quick_store(reports), one, reports)
    first, second = joined.chapters
    assert first.result is not None
    injected = first.result.faults[0].times.inject_confirmed_at
    assert injected is not None
    assert first.noticed.person == pytest.approx(START + 30 - injected)
    assert first.noticed.person_name == "Lead"
    assert first.noticed.users == first.result.faults[0].detected_after_s
    assert second.noticed.person is None
    assert second.result is None


@pytest.mark.parametrize(
    ("good", "after"),
    [
        ([True, True, False, False], 2.5),  # it began to ring
        ([False, False, False, False], None),  # it rang before, and tells nothing
        ([False, True, True, True], None),  # it rang before, and was quiet then
    ],
)
def test_an_alarm_counts_from_when_it_began_to_ring(
    one: LoadedGameDay, reports: Path, good: list[bool], after: float | None
) -> None:
    """As its probe saw it, after the first fault was in force."""
    fault = told(quick_store(reports), one, reports).chapters[0].result
    assert fault is not None
    injected = fault.faults[0].times.inject_confirmed_at or 0.0
    rows = [[injected + n, 0.5, state] for n, state in enumerate(good)]
    (reports / "run-1" / "samples.jsonl").write_text(json.dumps(["the-alarm", 1.0, rows]) + "\n")
    noticed = join(quick_store(reports), one, DAY, reports).chapters[0].noticed
    assert noticed.alarm == (None if after is None else pytest.approx(after))
    assert noticed.alarm_name == ("shop-5xx" if after else "")


def test_both_reports_say_the_same(one: LoadedGameDay, reports: Path) -> None:
    """Verdicts, notes, follow-ups, who approved it, and who could not be told."""
    joined = told(quick_store(reports), one, reports)
    page, text = render_html(joined), render_markdown(joined)
    for said in (
        "Half is lost",
        "A dent.",
        "5xx on the dashboard",
        "alert on one zone",
        "everybody is here",
        "shop-team",
        "Oncall",
        "slack was not told (before): HTTP 500",
        "0 of 2 experiments passed, 1 fail, 1 skipped. 1 follow-up to do.",
    ):
        assert said in page.replace("slack was not told\n", "slack was not told"), said
        assert said in text, said
    assert "../run-1/report.html" in page
    assert "- [ ] " in text
    assert "silent \\| really" in text


def test_the_page_is_one_file_that_asks_nobody_for_anything(
    one: LoadedGameDay, reports: Path
) -> None:
    """No address but links to the runs' own reports; what a user wrote is escaped."""
    store = quick_store(reports)
    told(store, one, reports)
    directory = write_day(store, one, replace(DAY, title="<script>x</script>"), reports)
    page = (directory / "gameday.html").read_text()
    assert (directory / "gameday.md").exists()
    assert "<script" not in page
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<svg") > 1


def test_a_run_that_cannot_be_read_any_more_leaves_a_gap_not_a_crash(
    one: LoadedGameDay, reports: Path
) -> None:
    """Its directory was removed; what the store knows of it is still told."""
    store = quick_store(reports)
    told(store, one, reports)
    (reports / "run-1" / "journal.jsonl").unlink()
    joined = join(store, one, DAY, reports)
    assert joined.chapters[0].result is None
    assert "Half is lost" in render_html(joined)
    assert "Missed." in render_markdown(joined)

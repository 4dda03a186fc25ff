"""Reading game days: what is right is understood, what is wrong is explained."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.gameday.files import WatchedFiles
from chaos.gameday.selection import choose_experiments
from chaos.model.gameday import GameDay, OnFailure
from chaos.model.gameday_loading import load_gameday
from chaos.model.notification import Email, Slack
from chaos.model.precondition import ErrorBudget
from chaos.model.probe import AlarmProbe
from chaos.model.problems import InvalidInput
from tests.chaos_command import ROOT
from tests.gameday_parts import gameday, loaded

ALL_OF_IT = """
title: All of it
description: Every part of the format.
owner: shop-team
participants: [{name: Lead, role: facilitator}, {name: Oncall}]
environment: staging
variables: {az: us-east-1a}
timezone: Europe/Berlin
schedule: {cron: "0 10 * * THU", spread: 2h, late: 20m, missed: run}
windows:
  - {days: mon-thu, from: "09:00", to: 17:00}
  - {days: [fri], from: 9:30, to: "12:00"}
blackouts:
  - 2026-12-24
  - {from: 2026-12-31, to: 2027-01-01, because: new year}
preconditions:
  - alarm: shop-5xx
  - error_budget: {slo: shop-availability, at_least: 25%}
  - change_calendar: freezes
  - freeze_file: /tmp/freeze
  - ask: ${env:GATE}
approval: {valid_for: 8h}
seed: 7
order: random
choose: 1
pause: 5m
on_failure: continue
experiments:
  - a.yaml
  - {file: a.yaml, group: data, pause: 0s, expect: Nothing., variables: {az: us-east-1b}}
notifications:
  ahead: 2h
  report_url: https://reports.example.com/${id}/
  channels:
    - slack: ${env:SLACK}
      when: [abort, after]
    - teams: ${env:TEAMS}
    - webhook: https://example.com/hook
    - email: [a@example.com]
      from: chaos@example.com
      smtp: {host: mail.example.com, user: chaos, password: "${env:MAIL}"}
    - sns: arn:aws:sns:us-east-1:123456789012:chaos
"""


def write(tmp_path: Path, text: str) -> Path:
    """A game day's file with that text, beside an experiment."""
    (tmp_path / "a.yaml").write_text("title: a\n")
    file = tmp_path / "day.yaml"
    file.write_text(text)
    return file


def problems(tmp_path: Path, text: str) -> list[str]:
    """What is said of a file with that text, without the path."""
    file = write(tmp_path, text)
    with pytest.raises(InvalidInput) as caught:
        load_gameday(file)
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


@pytest.mark.parametrize("file", sorted((ROOT / "gamedays").glob("*.yaml")), ids=lambda f: f.stem)
def test_the_ready_game_days_are_valid(file: Path) -> None:
    """Every file in gamedays/ can be read."""
    assert load_gameday(file).gameday.title


def test_the_example_in_the_docs_is_valid(tmp_path: Path) -> None:
    """As it stands there, with the experiments beside it."""
    page = (ROOT / "docs/gamedays.md").read_text()
    file = write(tmp_path, page.split("```yaml\n")[1].split("```")[0])
    for name in ("terminate-instance.yaml", "az-blackhole.yaml"):
        (tmp_path / name).write_text("title: x\n")
    assert load_gameday(file).gameday.title == "Thursday in the shop"


def test_every_part_of_the_format_is_understood(tmp_path: Path) -> None:
    """A file that uses everything gives typed values; secrets are not looked up yet."""
    day = load_gameday(write(tmp_path, ALL_OF_IT)).gameday
    assert str(day.timezone) == "Europe/Berlin"
    assert day.schedule is not None
    assert (day.schedule.spread, day.schedule.late) == (7200, 1200)
    assert [(sorted(w.days), w.from_, w.to) for w in day.windows] == [
        ([0, 1, 2, 3], 540, 1020),
        ([4], 570, 720),
    ]
    assert day.blackouts[0].to == date(2026, 12, 24)
    assert isinstance(day.preconditions[0], AlarmProbe)
    assert isinstance(day.preconditions[1], ErrorBudget)
    assert day.preconditions[1].error_budget.at_least == 0.25
    assert day.approval.required
    assert day.on_failure is OnFailure.CONTINUE
    slack, _, _, mail, _ = day.notifications.channels
    assert isinstance(slack, Slack)
    assert slack.slack == "${env:SLACK}"
    assert isinstance(mail, Email)
    assert mail.smtp.port == 587
    assert day.notifications.report_url == "https://reports.example.com/${id}/"


def test_all_problems_of_a_file_are_said_at_once_with_their_places(tmp_path: Path) -> None:
    """Each with line, column, what was found, and the nearest valid name."""
    said = problems(
        tmp_path,
        """\
title: x
onwer: me
timezone: Europe/Berln
schedule: {cron: "0 10 * * THX"}
windows: [{days: mon-fry, from: "10:00", to: "25:00"}, {from: 9:00, to: "09:00"}]
blackouts: [{from: 2026-12-31, to: 2026-12-30}]
preconditions:
  - alarmm: x
  - error_budget: {slo: a, at_least: 0.2}
  - freeze_file: ${nme}
experiments:
  - nowhere.yaml
  - {file: a.yaml, grup: a}
notifications:
  channels:
    - slack: https://hooks.slack.com/secret
    - webhook: ftp://x
    - webhok: x
on_failure: stopp
""",
    )
    expected = {
        "2:1: unknown key onwer; did you mean owner?",
        "3:11: timezone: unknown time zone; did you mean Europe/Berlin?",
        '4:18: cron: not a cron expression (bad day-of-week); write "0 10 * * THU"',
        "5:18: days: unknown day fry; did you mean fri?",
        "5:46: to: not a time of day",
        "5:56: windows: is empty: from and to are the same",
        "6:13: blackouts: to is before from",
        "8:5: preconditions: a precondition asks exactly one of error_budget",
        "9:38: at_least: not a percentage",
        "10:18: ${nme} is not defined",
        "12:5: no such file: nowhere.yaml",
        "13:20: unknown key grup; did you mean group?",
        "16:14: slack: write ${env:NAME}: a secret does not belong into a file",
        "17:16: webhook: write http://..., https://... or ${env:NAME}",
        "18:7: channels: a notification has exactly one of slack, teams",
        "19:13: on_failure: unknown stopp; did you mean stop?",
    }
    for start in expected:
        assert any(problem.startswith(start) for problem in said), (start, said)
    assert len(said) == len(expected)
    assert not any("hooks.slack.com" in problem for problem in said)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("- title", " a game day is a mapping"),
        ("title: x\nexperiments: []", "2:14: experiments must"),
        ("title: x", "1:1: experiments is missing"),
        ("title: x\nexperiments: [a.yaml]\nschedule: {}", "3:11: schedule: give exactly one of"),
        (
            "title: x\nexperiments: [a.yaml]\nschedule: {cron: '0 0 30 2 *'}",
            "3:18: cron: not a cron",
        ),
        (
            "title: x\nexperiments: [a.yaml]\nschedule: {random: {mean_days: 2, minimum_days: 3}}",
            "3:20: random: mean_days is below minimum_days",
        ),
        (
            "title: x\nexperiments: [a.yaml]\nschedule: {at: 2026-12-03T10:00:00Z}",
            "3:16: at: has a zone of its own",
        ),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, start: str) -> None:
    """Whatever is wrong, there is a place and a reason."""
    assert problems(tmp_path, text)[0].startswith(start)


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GameDay.model_fields]), yaml_values, max_size=6))
def test_any_structure_is_read_or_explained(
    tmp_path_factory: pytest.TempPathFactory, values: object
) -> None:
    """Right keys with wrong things in them never end in a traceback."""
    file = tmp_path_factory.getbasetemp() / "any-day.yaml"
    file.write_text(json.dumps(values))
    try:
        load_gameday(file)
    except InvalidInput as error:
        assert error.problems


def test_of_each_group_so_many_are_drawn_and_the_same_again(tmp_path: Path) -> None:
    """Over many days all of them come up; one day always gives the same."""
    uses = [{"file": f"{n}.yaml", "group": "ab"[n % 2]} for n in range(6)]
    one = loaded(tmp_path, gameday(experiments=uses, choose=1, order="random"))
    files = tuple(tmp_path / f"{n}.yaml" for n in range(6))
    one = type(one)(one.gameday, one.file, files)
    drawn = {f"day-{n}": choose_experiments(one, f"day-{n}") for n in range(60)}
    for name, chosen in drawn.items():
        assert sorted(each.use.group for each in chosen) == ["a", "b"]
        assert choose_experiments(one, name) == chosen
        assert [each.position for each in chosen] == [1, 2]
    assert {each.file for chosen in drawn.values() for each in chosen} == set(files)
    assert {chosen[0].use.group for chosen in drawn.values()} == {"a", "b"}


def test_a_served_file_that_becomes_invalid_stays_as_it_was(tmp_path: Path) -> None:
    """It is said once; when it is right again, the new one counts."""
    file = write(tmp_path, "title: First\nexperiments: [a.yaml]\n")
    said: list[str] = []
    files = WatchedFiles([file], said.append)
    file.write_text("title: [broken")
    assert [one.gameday.title for one in files.read() + files.read()] == ["First", "First"]
    assert len(said) == 1
    file.write_text("title: Second\nexperiments: [a.yaml]\n")
    assert files.read()[0].gameday.title == "Second"
    (tmp_path / "other").mkdir()
    same_name = write(tmp_path / "other", "title: Other\nexperiments: [a.yaml]\n")
    with pytest.raises(InvalidInput, match="two files are called day"):
        WatchedFiles([file, same_name], said.append)

"""When a game day runs: the nights the clocks change, windows, blackouts, drawn days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.gameday.calendar import DAY, closed_because, next_occurrence, occurrences
from chaos.model.gameday import GameDay
from tests.gameday_parts import BERLIN, at, gameday, shown

SYDNEY = {"timezone": "Australia/Sydney"}


def starts(day: GameDay, since: str, until: str) -> list[str]:
    """The local times at which it starts between two local times."""
    found = occurrences(day, at(day, since), at(day, until))
    return [shown(day, one.starts_at) for one in found]


def test_a_time_of_day_that_a_night_leaves_out_comes_right_after_it() -> None:
    """In Berlin clocks went from 2:00 to 3:00 on 29 March 2026."""
    day = gameday(schedule={"cron": "30 2 * * *"}, **BERLIN)
    assert starts(day, "2026-03-28 00:00", "2026-03-31 00:00") == [
        "2026-03-28 02:30+0100",
        "2026-03-29 03:00+0200",
        "2026-03-30 02:30+0200",
    ]


def test_a_time_of_day_that_comes_twice_in_a_night_counts_once() -> None:
    """In Berlin clocks went from 3:00 back to 2:00 on 25 October 2026; the first 2:30 is meant."""
    day = gameday(schedule={"cron": "30 2 * * *"}, **BERLIN)
    assert starts(day, "2026-10-24 12:00", "2026-10-26 12:00") == [
        "2026-10-25 02:30+0200",
        "2026-10-26 02:30+0100",
    ]


def test_between_the_two_that_are_the_same_the_next_one_is_tomorrow() -> None:
    """A scheduler started between them does not run the first one again."""
    day = gameday(schedule={"cron": "30 2 * * *"}, **BERLIN)
    between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC).timestamp()  # 2:45, the first time
    coming = next_occurrence(day, between)
    assert coming is not None
    assert shown(day, coming.starts_at) == "2026-10-26 02:30+0100"


def test_every_hour_means_every_hour_that_passes() -> None:
    """23 times on the day in spring, 25 times on the day in autumn."""
    day = gameday(schedule={"cron": "0 * * * *"}, **BERLIN)
    assert len(starts(day, "2026-03-28 23:30", "2026-03-29 23:30")) == 23
    assert len(starts(day, "2026-10-24 23:30", "2026-10-25 23:30")) == 25


def test_ten_in_the_morning_stays_ten_in_the_morning_all_year() -> None:
    """On both sides of the globe, where summer is in other months."""
    for zone in (BERLIN, SYDNEY):
        day = gameday(schedule={"cron": "0 10 * * THU"}, **zone)
        year = starts(day, "2026-01-01 00:00", "2027-01-01 00:00")
        assert len(year) == 53
        assert {text[11:16] for text in year} == {"10:00"}


def test_a_date_runs_once_and_never_again() -> None:
    """Also one at a time that does not exist: then at the first minute after it."""
    day = gameday(schedule={"at": "2026-03-29 02:30"}, **BERLIN)
    assert starts(day, "2026-01-01 00:00", "2027-01-01 00:00") == ["2026-03-29 03:00+0200"]
    assert next_occurrence(day, at(day, "2026-04-01 00:00")) is None


def test_it_never_starts_outside_its_windows_or_in_a_blackout() -> None:
    """A window over midnight belongs to the day on which it begins."""
    day = gameday(
        schedule={"cron": "0 * * * *"},
        windows=[{"days": "fri", "from": "22:00", "to": "02:00"}],
        blackouts=[{"from": "2026-12-25", "to": "2026-12-26"}],
    )
    assert starts(day, "2026-12-17 00:00", "2027-01-01 23:30") == [
        "2026-12-18 22:00+0000",
        "2026-12-18 23:00+0000",
        "2026-12-19 00:00+0000",
        "2026-12-19 01:00+0000",
        "2027-01-01 22:00+0000",
        "2027-01-01 23:00+0000",
    ]
    assert closed_because(day, at(day, "2026-12-25 23:00")) == "2026-12-25 is a blackout date"
    assert "no window is open on Monday at 09:00" in str(
        closed_because(day, at(day, "2026-12-21 09:00"))
    )


def test_a_spread_start_is_drawn_within_the_window() -> None:
    """From 9:00 on within four hours, of which the window leaves two."""
    day = gameday(
        schedule={"cron": "0 9 * * *", "spread": "4h"},
        windows=[{"from": "10:00", "to": "12:00"}],
        **BERLIN,
    )
    times = [text[11:16] for text in starts(day, "2026-01-01 00:00", "2026-12-31 00:00")]
    assert len(times) == 364
    assert min(times) >= "10:00"
    assert max(times) < "12:00"
    assert len(set(times)) > 90  # of 120 minutes


def test_drawn_days_keep_their_mean_and_their_distance() -> None:
    """Over four years, counted in days with a window; weekends have none."""
    day = gameday(
        schedule={"random": {"mean_days": 5, "minimum_days": 2}},
        windows=[{"days": "mon-fri", "from": "09:00", "to": "17:00"}],
        **BERLIN,
    )
    begin = at(day, "2026-01-01 00:00")
    found = [one.starts_at for one in occurrences(day, begin, begin + 4 * 365 * DAY)]
    dates = [datetime.fromtimestamp(moment, day.timezone).date() for moment in found]
    gaps = [working_days(first, second) for first, second in pairwise(dates)]
    assert min(gaps) >= 2
    assert 4.4 < sum(gaps) / len(gaps) < 5.6
    assert all(closed_because(day, moment) is None for moment in found)


def working_days(first: date, second: date) -> int:
    """How many working days the second is after the first."""
    days = ((first + timedelta(days=n)) for n in range(1, (second - first).days + 1))
    return sum(one.weekday() < 5 for one in days)


def test_a_draw_does_not_depend_on_when_it_is_made_but_on_the_seed() -> None:
    """A restarted scheduler sees the same days; another seed gives others."""
    drawn = {"random": {"mean_days": 3}}
    day, other = gameday(schedule=drawn, seed=1), gameday(schedule=drawn, seed=2)
    year = starts(day, "2026-01-01 00:00", "2027-01-01 00:00")
    assert starts(day, "2026-06-01 00:00", "2027-01-01 00:00") == [
        text for text in year if text > "2026-06-01 00:00"
    ]
    assert starts(other, "2026-01-01 00:00", "2027-01-01 00:00") != year


# The slow, obvious model: every minute of the time is looked at, one after the other.

STEP = 5
"""Minutes between two looks of the model; the schedules drawn below fall on these."""


def model(day: GameDay, minutes: set[int], hours: set[int] | None, days: set[int]) -> set[float]:
    """When a cron of such minutes, hours and days of the week starts in the year 2026.

    Without hours it is every hour. With hours, a local time that exists twice counts the first
    time, and one that does not exist stands for the first minute after it.
    """
    expected = set()
    for moment, local, skipped in moments_of_2026(str(day.timezone)):
        meant = [local]
        if skipped and hours is not None:
            meant += [local - timedelta(minutes=n) for n in range(STEP, 61, STEP)]
        matches = any(
            one.minute in minutes and (hours is None or one.hour in hours) and one.weekday() in days
            for one in meant
        )
        if matches and (hours is None or not local.fold) and is_allowed(day, local):
            expected.add(moment)
    return expected


@cache
def moments_of_2026(zone: str) -> list[tuple[float, datetime, bool]]:
    """Each moment, what clocks show then, and whether they were just put forward."""
    found: list[tuple[float, datetime, bool]] = []
    at_utc = datetime(2025, 12, 31, 0, 0, tzinfo=UTC)
    while at_utc < datetime(2027, 1, 2, tzinfo=UTC):
        local = at_utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        skipped = bool(found) and local - found[-1][1] == timedelta(hours=1, minutes=STEP)
        found.append((at_utc.timestamp(), local, skipped))
        at_utc += timedelta(minutes=STEP)
    return found


def is_allowed(day: GameDay, local: datetime) -> bool:
    """Windows here never go over midnight."""
    dark = any(one.from_ <= local.date() <= one.to for one in day.blackouts)
    minute = local.hour * 60 + local.minute
    windows = day.windows
    inside = any(local.weekday() in w.days and w.from_ <= minute < w.to for w in windows)
    return not dark and (inside or not windows)


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC"]),
    minutes=st.sets(st.sampled_from(range(0, 60, STEP)), min_size=1, max_size=1),
    hours=st.none() | st.sets(st.integers(0, 23), min_size=1, max_size=3),
    days=st.sets(st.integers(0, 6), min_size=1),
    window=st.none() | st.tuples(st.integers(0, 11), st.integers(12, 24)),
    blackout=st.integers(0, 360),
)
@settings(max_examples=10)
@pytest.mark.many
def test_a_year_is_what_the_model_says_minute_by_minute(  # noqa: PLR0913, PLR0917 - what is drawn
    zone: str,
    minutes: set[int],
    hours: set[int] | None,
    days: set[int],
    window: tuple[int, int] | None,
    blackout: int,
) -> None:
    """Nothing is missed, doubled, or outside its windows, across both changes of the clock."""
    dark = date(2026, 1, 1) + timedelta(days=blackout)
    cron_days = ",".join(str((one + 1) % 7) for one in days) if len(days) < 7 else "*"
    cron_hours = "*" if hours is None else ",".join(map(str, sorted(hours)))
    cron = f"{','.join(map(str, sorted(minutes)))} {cron_hours} * * {cron_days}"
    windows = [{"from": f"{window[0]:02}:00", "to": f"{window[1]:02}:00"}] if window else []
    day = gameday(
        schedule={"cron": cron},
        timezone=zone,
        windows=windows,
        blackouts=[{"from": str(dark), "to": str(dark + timedelta(days=3))}],
    )
    begin, end = at(day, "2026-01-01 00:00"), at(day, "2027-01-01 00:00")
    found = [one.starts_at for one in occurrences(day, begin, end)]
    assert found == sorted(set(found))
    expected = {moment for moment in model(day, minutes, hours, days) if begin < moment <= end}
    assert set(found) == expected


@pytest.mark.parametrize("since", ["2026-03-01", "2026-10-15"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Asia/Beirut"])
def test_looking_in_pieces_gives_the_same_as_looking_at_once(zone: str, since: str) -> None:
    """However often a scheduler looks; also where clocks change at midnight."""
    day = gameday(schedule={"cron": "*/30 0-4 * * *", "spread": "45m"}, timezone=zone)
    begin = at(day, since)
    ends = [begin + n * 2.3 * DAY for n in range(16)]
    pieces = [one for first, last in pairwise(ends) for one in occurrences(day, first, last)]
    assert pieces == list(occurrences(day, ends[0], ends[-1]))

"""The scheduler: nothing missed, nothing doubled, whatever happens to it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.gameday.approval import approve
from chaos.gameday.calendar import DAY, closed_because, occurrences
from chaos.gameday.day import Day, DayStatus
from chaos.gameday.leader import Leadership
from chaos.gameday.store import FILE_NAME, Store
from tests import gameday_kills
from tests.chaos_command import ROOT
from tests.gameday_parts import (
    BERLIN,
    JumpingClock,
    Served,
    at,
    gameday,
    loaded,
    quick_store,
    shown,
)

HOUR = 3600.0
TEN = {"cron": "0 10 * * *"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    made = quick_store(tmp_path)
    yield made
    made.close()


def served(store: Store, start: str, **fields: object) -> Served:
    """A scheduler of one game day in Berlin, which has been seen just before it starts."""
    day = gameday(**{**BERLIN, **fields})
    begin = at(day, start)
    store.see("shop", begin)
    return Served(store, JumpingClock(begin), [loaded(store.file.parent, day)])


def statuses(store: Store) -> list[str]:
    """Of all days, the earliest first."""
    return [str(day.status) for day in store.days()]


def test_a_year_runs_every_day_once_and_at_ten(store: Store) -> None:
    """Across both changes of the clock and the holidays."""
    dark = {"from": "2026-12-24", "to": "2026-12-26"}
    serving = served(store, "2026-01-01 00:00", schedule=TEN, blackouts=[dark])
    serving.look_every = DAY
    serving.serve_until(serving.clock.time + 365 * DAY)
    day = serving.gamedays[0].gameday
    begun = [shown(day, moment) for _, moment in serving.begun]
    assert len(begun) == len({text[:10] for text in begun}) == 362
    assert {text[11:16] for text in begun} == {"10:00"}
    assert not any(text.startswith("2026-12-25") for text in begun)
    assert set(statuses(store)) == {"passed"}


@given(
    crons=st.lists(
        st.sampled_from(["0 */3 * * *", "30 2 * * *", "*/20 1-3 * * *", "15 9 * * MON-FRI"]),
        min_size=1,
        max_size=3,
    ),
    since=st.sampled_from(["2026-03-27 12:00", "2026-10-23 12:00"]),
    blackout=st.integers(0, 4),
    restarts=st.lists(st.integers(0, 4 * 24), max_size=4),
    lasts=st.sampled_from([0.0, 60.0, 300.0]),  # three of them fit into twenty minutes
)
@settings(max_examples=15)
def test_nothing_is_missed_doubled_or_outside_its_window(  # noqa: PLR0913, PLR0917 - what is drawn
    tmp_path_factory: pytest.TempPathFactory,
    crons: list[str],
    since: str,
    blackout: int,
    restarts: list[int],
    lasts: float,
) -> None:
    """Several at once, with restarts, around the nights the clocks change."""
    directory = tmp_path_factory.mktemp("served")
    store = quick_store(directory)
    dark = date.fromisoformat(since[:10]) + timedelta(days=blackout)
    days = [
        gameday(
            schedule={"cron": cron, "late": "1h"},
            windows=[{"from": "00:00", "to": "22:30"}],
            blackouts=[str(dark)],
            **BERLIN,
        )
        for cron in crons
    ]
    begin = at(days[0], since)
    end = begin + 4 * DAY + 1.5 * HOUR  # when nothing is due
    files = [loaded(directory, day, f"day{n}") for n, day in enumerate(days)]
    serving = Served(store, JumpingClock(begin - 1), files, lasts, look_every=6 * HOUR)
    for one in files:
        store.see(one.name, begin - 1)
    for stop in [*sorted(begin + hours * HOUR for hours in restarts), end]:
        serving.serve_until(stop)
    for one in files:
        mine = [moment for name, moment in serving.begun if name == one.name]
        planned = [found.starts_at for found in occurrences(one.gameday, begin - 1, end)]
        late = [moment - when for moment, when in zip(mine, planned, strict=True)]
        assert all(0 <= seconds <= len(crons) * (lasts + 1) for seconds in late)
        assert all(closed_because(one.gameday, when) is None for when in planned)
    assert set(statuses(store)) <= {"passed"}
    store.close()


@pytest.mark.many
def test_fifty_kills_at_random_moments_leave_the_state_right(tmp_path: Path) -> None:
    """Nothing ran twice, nothing was forgotten, and the store tells what really ran."""
    subprocess.run(
        [sys.executable, "-m", "tests.gameday_kills", str(tmp_path), "7"],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    log = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    begun = Counter(name for word, name in log if word == "begin")
    ended = {name for word, name in log if word == "end"}
    assert max(begun.values()) == 1
    store = Store(tmp_path / FILE_NAME)
    days = {day.id: day for day in store.days()}
    assert len(begun) > 10
    assert sum(day.status is DayStatus.INTERRUPTED for day in days.values()) > 3
    for name, day in days.items():
        if day.status is DayStatus.PASSED:
            assert name in ended
        elif day.status is DayStatus.INTERRUPTED:
            assert day.began_at is not None
        else:
            assert day.status in {DayStatus.MISSED, DayStatus.DUE}
            assert name not in begun
    for one in gameday_kills.game_days(tmp_path):
        seen = store.seen_until(one.name) or 0
        first = min(day.starts_at for day in days.values() if day.gameday == one.name)
        planned = occurrences(one.gameday, first - 1, seen)
        recorded = [day.starts_at for day in store.days() if day.gameday == one.name]
        assert recorded == [found.starts_at for found in planned]
    store.close()


def test_what_ran_when_the_scheduler_was_killed_is_put_back_and_not_run_again(
    store: Store,
) -> None:
    """The next one recovers first, and says that it was interrupted."""
    serving = served(store, "2026-06-01 09:00", schedule=TEN)

    class Killed(BaseException):
        pass

    def kill(_: Day) -> None:
        raise Killed

    serving.on_run = kill
    with pytest.raises(Killed):
        serving.serve_until(serving.clock.time + DAY)
    assert statuses(store) == ["running"]
    serving.on_run = lambda _: None
    serving.serve_until(serving.clock.time + HOUR)
    assert statuses(store) == ["interrupted"]
    assert serving.recovered == 2
    assert [day.status for day in serving.closed] == [DayStatus.INTERRUPTED]
    assert len(serving.begun) == 1


def test_what_was_missed_is_skipped_or_caught_up_as_it_says(store: Store) -> None:
    """Down for five days: skipped, or the last one is run when a window opens."""
    serving = served(store, "2026-06-01 00:00", schedule=TEN)
    serving.clock.time += 5 * DAY
    serving.serve_until(serving.clock.time + HOUR)
    assert statuses(store) == ["missed"] * 5
    assert serving.begun == []

    window = {"from": "09:00", "to": "12:00"}
    other = gameday(schedule={**TEN, "missed": "run"}, windows=[window], **BERLIN)
    serving = replace(serving, gamedays=[loaded(store.file.parent, other, "other")])
    store.see("other", at(other, "2026-06-01 00:00"))
    serving.serve_until(at(other, "2026-06-06 09:30"))
    assert [shown(other, moment) for _, moment in serving.begun] == ["2026-06-06 09:00+0200"]
    over = [day for day in store.days() if day.gameday == "other" and day.status.is_over]
    assert [str(day.status) for day in over] == ["missed"] * 4 + ["passed"]


def test_a_game_day_never_seen_before_has_not_missed_anything(store: Store) -> None:
    """It begins with what is to come."""
    day = gameday(schedule={**TEN, "missed": "run"}, **BERLIN)
    clock = JumpingClock(at(day, "2026-06-05 11:00"))
    serving = Served(store, clock, [loaded(store.file.parent, day)])
    serving.serve_until(clock.time + DAY)
    assert [shown(day, moment) for _, moment in serving.begun] == ["2026-06-06 10:00+0200"]


def test_it_waits_for_its_approval_and_no_longer_than_it_may_be_late(store: Store) -> None:
    """Approved ten minutes late, it runs; not approved within half an hour, it is refused."""
    serving = served(store, "2026-06-01 08:00", schedule=TEN, approval={"required": True})
    one = serving.gamedays[0]
    serving.serve_until(at(one.gameday, "2026-06-01 10:10"))
    assert statuses(store) == ["due"]
    approve(store, one, store.days()[0].id, "Lead", serving.clock.now())
    serving.serve_until(at(one.gameday, "2026-06-02 11:00"))
    assert statuses(store) == ["passed", "refused"]
    assert "nobody has approved it" in store.days()[1].reason
    assert [day.status for day in serving.closed] == [DayStatus.REFUSED]


def test_an_approval_expires_and_is_for_the_files_as_they_were(store: Store) -> None:
    """A change after the yes makes it void."""
    fields = {"schedule": TEN, "approval": {"required": True, "valid_for": "2d"}}
    serving = served(store, "2026-06-01 08:00", **fields)
    one = serving.gamedays[0]
    approve(store, one, one.name, "Lead", serving.clock.now())
    serving.serve_until(at(one.gameday, "2026-06-01 12:00"))
    one.experiments[0].write_text("title: changed\n")
    serving.serve_until(at(one.gameday, "2026-06-02 12:00"))
    assert "was for other files than there are now" in store.days()[1].reason
    one.experiments[0].write_text("title: x\n")
    serving.serve_until(at(one.gameday, "2026-06-03 12:00"))
    assert statuses(store) == ["passed", "refused", "refused"]
    assert "has expired" in store.days()[2].reason


def test_people_are_told_ahead_once_also_after_a_restart(store: Store) -> None:
    """An hour before, with the id that can be approved."""
    serving = served(store, "2026-06-01 08:00", schedule=TEN)
    day = serving.gamedays[0].gameday
    serving.serve_until(at(day, "2026-06-01 08:59"))
    assert serving.announced == []
    serving.serve_until(at(day, "2026-06-01 09:30"))
    serving.serve_until(at(day, "2026-06-01 12:00"))
    assert [one.id for one in serving.announced] == ["shop-20260601-080000"]
    assert statuses(store) == ["passed"]


def test_what_is_taken_out_of_the_schedule_after_it_was_announced_does_not_run(
    store: Store,
) -> None:
    """It stays on record as withdrawn."""
    serving = served(store, "2026-06-01 09:15", schedule=TEN)
    one = serving.gamedays[0]
    serving.serve_until(at(one.gameday, "2026-06-01 09:30"))
    later = gameday(schedule={"cron": "0 15 * * *"}, **BERLIN)
    serving.gamedays[0] = replace(one, gameday=later)
    serving.serve_until(at(later, "2026-06-01 14:30"))
    assert statuses(store) == ["withdrawn", "announced"]
    assert serving.begun == []


def test_of_several_schedulers_one_leads_and_another_takes_over(tmp_path: Path) -> None:
    """The right to lead is gone with the process that has it."""
    file = tmp_path / FILE_NAME
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "leads\n"
    mine = Leadership(file)
    assert not mine.take()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert mine.take()
    assert not Leadership(file).take()
    mine.give_up()


_HOLD = """
import sys, time
from pathlib import Path
from chaos.gameday.leader import Leadership
leadership = Leadership(Path(sys.argv[1]))
print("leads" if leadership.take() else "does not", flush=True)
time.sleep(60)
"""


def test_even_two_leaders_would_not_run_a_day_twice(store: Store) -> None:
    """To begin a day is a change that only one can make."""
    day = Day("a-1", "a", "A", "a.yaml", 0.0, DayStatus.DUE)
    other = Store(store.file)
    assert store.begin(day, 1.0)
    assert not other.begin(day, 1.0)
    store.end(day.id, DayStatus.PASSED, 2.0)
    assert not other.begin(day, 3.0)
    other.close()


def test_clocks_that_are_put_back_do_not_run_a_day_again(store: Store) -> None:
    """What has been looked at has been looked at."""
    serving = served(store, "2026-06-01 09:00", schedule=TEN)
    day = serving.gamedays[0].gameday
    serving.serve_until(at(day, "2026-06-01 10:30"))
    serving.clock.time -= 2 * HOUR
    serving.serve_until(at(day, "2026-06-01 12:00"))
    assert len(serving.begun) == 1

"""When a game day runs: cron, a date or drawn days, within windows and outside blackouts.

Pure functions of the declared day; times are seconds since the epoch. Where clocks change, it is
as in Debian's cron: a time of day that a night leaves out comes at the first minute after it, one
that comes twice counts once, and what is written with `*` follows the real time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

from cronsim import CronSim

from chaos.model.gameday import GameDay, RandomTimes, Window
from chaos.model.times import MINUTES_A_DAY

MINUTE = 60.0
DAY = 86_400.0

_DRAWN_SINCE = date(2026, 1, 1)
"""Days are drawn one after the other from here, whenever the draw is made."""


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One time at which a game day is to run."""

    starts_at: float
    """Seconds since the epoch."""
    declared_for: float
    """The time the schedule names; `starts_at` is later where it is spread."""


def closed_because(gameday: GameDay, at: float) -> str | None:
    """Why it may not run then; None where it may."""
    local = datetime.fromtimestamp(at, gameday.timezone)
    for blackout in gameday.blackouts:
        if blackout.from_ <= local.date() <= blackout.to:
            why = f" ({blackout.because})" if blackout.because else ""
            return f"{local:%Y-%m-%d} is a blackout date{why}"
    if gameday.windows and not any(_is_open(window, local) for window in gameday.windows):
        return f"no window is open on {local:%A at %H:%M} ({gameday.timezone})"
    return None


def _is_open(window: Window, local: datetime) -> bool:
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if window.from_ < window.to:
        return today in window.days and window.from_ <= minute < window.to
    yesterday = (today - 1) % 7
    begun_today = today in window.days and minute >= window.from_
    return begun_today or (yesterday in window.days and minute < window.to)


def occurrences(gameday: GameDay, after: float, until: float) -> Iterator[Occurrence]:
    """All that start in `(after, until]`, in order."""
    if gameday.schedule is None:
        return
    spread = gameday.schedule.spread
    begin = after - spread - DAY
    for declared, limit in _with_next(_declared_times(gameday, begin, until), spread):
        starts_at = _drawn_minute(gameday, declared, limit)
        if starts_at is not None and after < starts_at <= until:
            yield Occurrence(starts_at, declared)


def next_occurrence(gameday: GameDay, after: float) -> Occurrence | None:
    """The first one after that time, within three years."""
    return next(occurrences(gameday, after, after + 3 * 366 * DAY), None)


def _with_next(times: Iterator[float], spread: float) -> Iterator[tuple[float, float]]:
    """Each time and before when it is to start: never after the next one."""
    before: float | None = None
    for at in chain(times, [None]):
        if before is not None:
            limit = before + max(spread, MINUTE)
            yield before, limit if at is None else min(limit, at)
        before = at


def _drawn_minute(gameday: GameDay, declared: float, limit: float) -> float | None:
    """One of the minutes in `[declared, limit)` that are open; None where there is none."""
    if limit - declared <= MINUTE:
        return declared if closed_because(gameday, declared) is None else None
    minutes = [declared + n * MINUTE for n in range(int((limit - declared) / MINUTE))]
    _draw(gameday, declared).shuffle(minutes)
    return next((at for at in minutes if closed_because(gameday, at) is None), None)


def _draw(gameday: GameDay, what: object) -> random.Random:
    """Chance that is the same whenever and wherever it is asked for the same thing."""
    return random.Random(f"{gameday.seed_text}/{what}")


def _declared_times(gameday: GameDay, begin: float, until: float) -> Iterator[float]:
    """The times the schedule names after `begin`, up to the first one after `until`."""
    schedule = gameday.schedule
    if schedule is None:
        return
    if schedule.at:
        times = iter([_instant(schedule.at.replace(tzinfo=gameday.timezone))])
    elif schedule.random:
        times = _random_times(gameday, schedule.random, begin, until)
    else:
        times = _cron_times(gameday, schedule.cron or "", begin)
    for at in times:
        if at > begin:
            yield at
        if at > until:
            return


def _instant(local: datetime) -> float:
    """A local time that a clock change leaves out is moved to the first minute that exists."""
    while local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(
        tzinfo=None
    ):
        local = (local + timedelta(minutes=1)).replace(second=0, microsecond=0)
    return local.timestamp()


def _cron_times(gameday: GameDay, cron: str, begin: float) -> Iterator[float]:
    """Strictly rising: begun in the repeated hour, the library would go back in time."""
    last = begin
    for moment in CronSim(cron, datetime.fromtimestamp(begin, gameday.timezone)):
        at = moment.timestamp()
        if at > last:
            yield at
            last = at


def _random_times(
    gameday: GameDay, wanted: RandomTimes, begin: float, until: float
) -> Iterator[float]:
    first = datetime.fromtimestamp(begin, gameday.timezone).date()
    for day in _drawn_days(gameday, wanted, until):
        at = _open_minute_of(gameday, day) if day >= first else None
        if at is not None:
            yield at


def _drawn_days(gameday: GameDay, wanted: RandomTimes, until: float) -> Iterator[date]:
    """A coin is thrown for each day with a window, but for those too near to the last hit."""
    chance = 1 / (wanted.mean_days - wanted.minimum_days + 1)
    last = datetime.fromtimestamp(until, gameday.timezone).date() + timedelta(days=1)
    day, rest = _DRAWN_SINCE, 0
    while day <= last:
        if _may_run_on(gameday, day):
            rest -= 1
            if rest < 0 and _draw(gameday, day).random() < chance:
                yield day
                rest = wanted.minimum_days - 1
        day += timedelta(days=1)


def _may_run_on(gameday: GameDay, day: date) -> bool:
    dark = any(blackout.from_ <= day <= blackout.to for blackout in gameday.blackouts)
    windows = gameday.windows
    return not dark and (not windows or any(day.weekday() in one.days for one in windows))


def _open_minute_of(gameday: GameDay, day: date) -> float | None:
    """One of the minutes of that day that are open; None where a clock change took them all."""
    start = _instant(datetime.combine(day, time(), gameday.timezone))
    minutes = [start + n * MINUTE for n in range(MINUTES_A_DAY + 60)]
    _draw(gameday, f"{day} minute").shuffle(minutes)
    return next((at for at in minutes if _is_open_on(gameday, at, day)), None)


def _is_open_on(gameday: GameDay, at: float, day: date) -> bool:
    local = datetime.fromtimestamp(at, gameday.timezone)
    return local.date() == day and closed_because(gameday, at) is None

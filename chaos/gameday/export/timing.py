"""What the formats have in common: the command, and the times of a schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from cronsim import CronSim

from chaos.model.gameday import Schedule
from chaos.model.gameday_loading import LoadedGameDay
from chaos.model.problems import InvalidInput, Problem

DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""As cron counts them."""


@dataclass(frozen=True, slots=True)
class Times:
    """The values of each field of a cron expression, in order; Sunday is 0."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    both: bool
    """Day and weekday must both match; else one is enough, where both are restricted."""

    @property
    def any_day(self) -> bool:
        """Whether the day of the month is not restricted."""
        return len(self.days) == 31  # noqa: PLR2004 - the longest month

    @property
    def any_weekday(self) -> bool:
        """Whether the day of the week is not restricted."""
        return len(self.weekdays) == 7  # noqa: PLR2004 - a week


def command(loaded: LoadedGameDay) -> list[str]:
    """What the other scheduler is to start."""
    return ["chaos", "gameday", "run", str(loaded.file), "--scheduled"]


def schedule_of(loaded: LoadedGameDay) -> Schedule:
    """The schedule.

    Raises:
        InvalidInput: there is none, or its days are drawn.
    """
    schedule = loaded.gameday.schedule
    if schedule is None:
        raise cannot(loaded, "it has no schedule")
    if schedule.random:
        raise cannot(loaded, "days drawn at random are known only to chaos gameday serve")
    return schedule


def cron_of(loaded: LoadedGameDay, scheduler: str) -> str:
    """Its cron expression in the form that every cron reads.

    Raises:
        InvalidInput: it has none, or one that not every cron reads.
    """
    cron = schedule_of(loaded).cron
    if cron is None:
        raise cannot(loaded, f"a single date has no place in {scheduler}")
    *others, weekday = cron.split()
    if "L" in others[2].upper() or "#" in weekday or weekday.upper().endswith("L"):
        raise cannot(loaded, f"{scheduler} knows neither L nor #, as in {cron}")
    if "7" in weekday:
        weekday = ranges(times_of(cron).weekdays)
    return " ".join([*others, weekday])


def times_of(cron: str) -> Times:
    """The fields of an expression without L and #."""
    parsed = CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    weekdays = {day % 7 for day in parsed.weekdays if isinstance(day, int)}
    return Times(
        minutes=tuple(sorted(parsed.minutes)),
        hours=tuple(sorted(parsed.hours)),
        days=tuple(sorted(parsed.days)),
        months=tuple(sorted(parsed.months)),
        weekdays=tuple(sorted(weekdays)),
        both=parsed.day_and,
    )


def ranges(values: Iterable[int]) -> str:
    """`1-5,7`."""
    ordered = sorted(values)
    runs = groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])
    parts = [[value for _, value in run] for _, run in runs]
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def cannot(loaded: LoadedGameDay, why: str) -> InvalidInput:
    """It cannot be said in that format."""
    return InvalidInput(Problem(f"cannot be exported: {why}", loaded.file))

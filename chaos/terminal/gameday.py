"""Game days in words on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.gameday.calendar import Occurrence, closed_because
from chaos.gameday.day import Day, DayRun, DayStatus, Note
from chaos.gameday.message import Planned, local_time
from chaos.measure.formats import duration, moment
from chaos.model.gameday import GameDay, Schedule
from chaos.model.gameday_loading import LoadedGameDay
from chaos.model.notification import channel_name
from chaos.model.secrets import conceal
from chaos.model.times import DAYS, time_of_day


def plan_lines(
    loaded: LoadedGameDay, name: str, coming: Occurrence | None, plan: Sequence[Planned]
) -> Iterator[str]:
    """What a game day would do, and what must be so before."""
    gameday = loaded.gameday
    yield gameday.title
    if gameday.description:
        yield gameday.description.strip()
    yield ""
    yield f"id             {name}"
    yield f"next           {local_time(gameday, coming.starts_at) if coming else 'not scheduled'}"
    yield f"environment    {gameday.environment}"
    for person in gameday.participants:
        yield f"{person.role or 'participant':<14.14} {person.name}"
    yield from _conditions(gameday)
    yield ""
    for number, planned in enumerate(plan, 1):
        yield f"{number}. {planned.title}"
        for objective in planned.objectives:
            yield f"     {objective}"
    yield ""
    yield f"after a failure: {gameday.on_failure}; pause between two: {duration(gameday.pause)}"


def _conditions(gameday: GameDay) -> Iterator[str]:
    if gameday.schedule:
        yield f"schedule       {schedule_text(gameday.schedule)} ({gameday.timezone})"
    for window in gameday.windows:
        days = ", ".join(DAYS[day] for day in sorted(window.days))
        yield f"window         {days} {time_of_day(window.from_)} to {time_of_day(window.to)}"
    for blackout in gameday.blackouts:
        yield f"blackout       {blackout.from_} to {blackout.to} {blackout.because}".rstrip()
    for precondition in gameday.preconditions:
        yield f"precondition   {conceal(str(precondition))}"
    if gameday.approval.required:
        yield f"approval       required, counts for {duration(gameday.approval.valid_for)}"
    for channel in gameday.notifications.channels:
        yield f"tells          {channel_name(channel)}: {', '.join(channel.when)}"


def schedule_text(schedule: Schedule) -> str:
    """When it runs, in a few words."""
    if schedule.random:
        mean, least = schedule.random.mean_days, schedule.random.minimum_days
        return f"drawn: every {mean:g} days in the mean, {least} apart at least"
    spread = f", spread over {duration(schedule.spread)}" if schedule.spread else ""
    return f"{schedule.cron or f'{schedule.at:%Y-%m-%d %H:%M}'}{spread}"


def status_lines(gameday: GameDay, days: Sequence[Day], now: float) -> Iterator[str]:
    """Where a game day stands now."""
    closed = closed_because(gameday, now)
    yield f"  now           {f'closed: {closed}' if closed else 'may run'}"
    for day in days:
        if not day.status.is_over:
            yield f"  {day.status:<13} {day.id}  {local_time(gameday, day.starts_at)}"


def history_lines(days: Sequence[Day]) -> Iterator[str]:
    """One line for each day that is over or under way."""
    for day in days:
        if day.status in {DayStatus.ANNOUNCED, DayStatus.DUE}:
            continue
        because = f"  {day.reason}" if day.reason else ""
        yield f"{moment(day.began_at or day.starts_at)}  {day.status:<12} {day.id}{because}"


def summary_lines(day: Day, runs: Sequence[DayRun], notes: Sequence[Note]) -> Iterator[str]:
    """How a day went."""
    because = f": {day.reason}" if day.reason else ""
    yield f"\n{day.status.upper()}  {day.title}{because}"
    for run in runs:
        yield f"  {run.position}. {run.status:<13} {run.title}"
    if notes:
        yield f"  {len(notes)} noted"

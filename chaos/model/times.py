"""Times of day, dates, time zones and cron expressions, as people write them."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from chaos.model.fields import as_text
from chaos.model.problems import nearest

MINUTES_A_DAY = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As Python counts them: Monday is 0."""

_TIME = re.compile(r"(\d{1,2}):(\d{2})")


def parse_time_of_day(value: object) -> int:
    """Minutes since midnight in `09:30`; `24:00` is the end of the day.

    YAML reads an unquoted `10:30` as a number in base 60, which is just these minutes.

    Raises:
        ValueError: it is no time of day.
    """
    if isinstance(value, int) and 0 <= value <= MINUTES_A_DAY:
        return value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else -1  # noqa: PLR2004 - minutes
    if 0 <= minutes <= MINUTES_A_DAY:
        return minutes
    raise ValueError('not a time of day; write "09:30"')


def parse_days(value: object) -> frozenset[int]:
    """Days of the week in `mon-fri`, `sat, sun` or a list of such texts; Monday is 0.

    Raises:
        ValueError: one of them is no day.
    """
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError("not days of the week; write mon-fri, or [mon, wed]")
    named = [word.strip().lower() for part in parts for word in str(part).split(",")]
    return frozenset(day for word in named for day in _days_in(word))


def _days_in(word: str) -> list[int]:
    first, dash, last = word.partition("-")
    for name in (first, last) if dash else (first,):
        if name not in DAYS:
            raise ValueError(f"unknown day {name}{nearest(name, DAYS)}")
    if not dash:
        return [DAYS.index(first)]
    count = (DAYS.index(last) - DAYS.index(first)) % 7 + 1
    return [(DAYS.index(first) + n) % 7 for n in range(count)]


def parse_moment(value: object) -> datetime:
    """A date and time of day without a zone: `2026-12-03 10:00`.

    Raises:
        ValueError: it is none, or it carries a zone of its own.
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("not a date and time; write 2026-12-03 10:00") from None
    if moment.tzinfo is not None:
        raise ValueError("has a zone of its own; the game day's timezone says where that time is")
    return moment


def parse_date(value: object) -> date:
    """`2026-12-24`.

    Raises:
        ValueError: it is no date.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("not a date; write 2026-12-24") from None


def parse_zone(value: object) -> ZoneInfo:
    """An IANA time zone: `Europe/Berlin`.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(str(value), zoneinfo.available_timezones()).split(" (allowed")[0]
        raise ValueError(f"unknown time zone{hint or '; write Europe/Berlin, or UTC'}") from None


def parse_cron(value: object) -> str:
    """A cron expression of five fields that has a next time.

    Raises:
        ValueError: it is none.
    """
    text = " ".join(str(value).split())
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        said = str(error).lower()
        raise ValueError(f'not a cron expression ({said}); write "0 10 * * THU"') from None
    except StopIteration:
        raise ValueError("never comes: no day matches it") from None
    if len(text.split()) != 5:  # noqa: PLR2004 - fields
        raise ValueError("has a field for seconds; write five fields")
    return text


def time_of_day(minutes: int) -> str:
    """`09:30`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


TimeOfDay = Annotated[
    int,
    PlainValidator(parse_time_of_day),
    PlainSerializer(time_of_day),
    as_text("A time of day.", "09:30"),
]
"""Minutes since midnight."""

Days = Annotated[
    frozenset[int],
    PlainValidator(parse_days),
    PlainSerializer(lambda days: [DAYS[day] for day in sorted(days)]),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            "description": "Days of the week.",
            "examples": ["mon-fri", ["mon", "wed"]],
        },
        mode="validation",
    ),
]
"""Monday is 0."""

Moment = Annotated[
    datetime,
    PlainValidator(parse_moment),
    PlainSerializer(str),
    as_text("A local date and time.", "2026-12-03 10:00"),
]
Date = Annotated[
    date, PlainValidator(parse_date), PlainSerializer(str), as_text("A date.", "2026-12-24")
]
Zone = Annotated[
    ZoneInfo, PlainValidator(parse_zone), PlainSerializer(str), as_text("IANA.", "Europe/Berlin")
]
Cron = Annotated[str, PlainValidator(parse_cron), as_text("Five fields.", "0 10 * * THU")]

"""Numbers, times and texts as people read them.

Three significant digits, the unit that fits, and never a rounding that changes the meaning:
99.996 % is not shown as 100 %.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime

NOTHING = "–"
"""Stands where there is no value."""

DIGITS = 3
"""Significant digits shown."""

_MINUTE, _HOUR = 60, 3600
_HALF = 0.5
_SUBSECOND_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))

# What neither XML 1.0 nor HTML may contain: control characters, surrogates, noncharacters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)


def printable(text: str) -> str:
    """The text with each character that HTML and XML forbid replaced by U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text)


def significant(value: float) -> str:
    """A finite number with three significant digits, never in scientific notation."""
    if value == 0:
        return "0"
    decimals = DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    return f"{rounded:,.{max(0, decimals)}f}"


def duration(seconds: float | None) -> str:
    """`850 µs`, `12.3 ms`, `4.25 s`, `2 min 5 s`, `1 h 4 min`."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if math.isinf(seconds):
        return "∞"
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if round(seconds) >= _HOUR:
        minutes = round(seconds / _MINUTE)
        return f"{minutes // 60:,} h {minutes % 60} min"
    if seconds >= 100:  # noqa: PLR2004 - three digits of seconds and more
        return f"{round(seconds) // 60} min {round(seconds) % 60} s"
    return _small_duration(seconds)


def _small_duration(seconds: float) -> str:
    # Rounded first, so that 999.6 ms moves up to 1.00 s instead of reading 1,000 ms.
    rounded = float(f"{seconds:.{DIGITS - 1}e}")
    for size, unit in _SUBSECOND_UNITS:
        if rounded >= size:
            return f"{significant(rounded / size)} {unit}"
    return "0 s" if seconds == 0 else "< 1 µs"


def percentage(ratio: float | None) -> str:
    """`4.29%`, `97.2%`, `99.996%`; exact at both ends: only 1 is `100%`, only 0 is `0%`."""
    if ratio is None or not math.isfinite(ratio):
        return NOTHING
    if ratio < _HALF or ratio >= 1:
        return f"{significant(ratio * 100)}%"
    distance = round(100 - ratio * 100, 9)
    if distance <= 0:
        return "> 99.999999999%"
    # Two digits of the distance to 100 tell 99.95 from 99.996.
    decimals = max(1, 1 - math.floor(math.log10(distance)))
    return f"{ratio * 100:.{decimals}f}%"


def tick(value: float) -> str:
    """A round number on an axis, without the digits that say nothing: `50`, `2.5`."""
    written = significant(value)
    return written.rstrip("0").rstrip(".") if "." in written else written


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def per_second(rate: float) -> str:
    """`98.3/s`."""
    return f"{significant(rate)}/s"


def offset(seconds: float | None) -> str:
    """`+0:30.2`, `+1:02:03.0`: time since the start."""
    if seconds is None:
        return NOTHING
    sign = "-" if round(seconds, 1) < 0 else "+"
    tenths = round(abs(seconds) * 10)
    whole, tenth = divmod(tenths, 10)
    minutes, second = divmod(whole, _MINUTE)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{sign}{hours}:{minute:02}:{second:02}.{tenth}"
    return f"{sign}{minute}:{second:02}.{tenth}"


def axis_offset(seconds: float) -> str:
    """`0:30`, `1:02:03`: a tick of a time axis."""
    return offset(seconds).removeprefix("+").removesuffix(".0")


def clock(at: float | None) -> str:
    """`14:03:12.3`, local time of day."""
    if at is None:
        return NOTHING
    tenths = round(at * 10)
    return f"{datetime.fromtimestamp(tenths // 10, UTC).astimezone():%H:%M:%S}.{tenths % 10}"


def moment(at: float) -> str:
    """`2026-11-21 14:03:12 CET (UTC+01:00)`, local time with its zone."""
    local = datetime.fromtimestamp(math.floor(at), UTC).astimezone()
    zone = local.tzname() or ""
    distance = f"{local:%z}"
    exact = "" if zone == "UTC" else f" (UTC{distance[:3]}:{distance[3:5]})"
    return f"{local:%Y-%m-%d %H:%M:%S} {zone}{exact}"


def iso(at: float) -> str:
    """`2026-11-21T14:03:12+01:00`, local time for machines."""
    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="seconds")


def objective(declared: str) -> str:
    """`≥ 99%` for `>= 99%`."""
    return declared.replace(">=", "≥").replace("<=", "≤")


def number(value: float | None) -> str:
    """`14.4`, `3`; a whole number without digits behind the point."""
    if value is None or math.isnan(value):
        return NOTHING
    return "∞" if math.isinf(value) else tick(value)


_BY_UNIT: dict[str, Callable[[float | None], str]] = {
    "ratio": percentage,
    "seconds": duration,
    "rate": lambda rate: NOTHING if rate is None else per_second(rate),
    "number": number,
}


def value(measured: float | None, unit: str) -> str:
    """A `ratio` as a percentage, `seconds` as a duration, a `rate` per second, or a `number`."""
    return _BY_UNIT[unit](measured)


def interval(bounds: tuple[float, float] | None, unit: str) -> str:
    """`98.2% … 98.9%`."""
    if bounds is None:
        return NOTHING
    low, high = (value(bound, unit) for bound in bounds)
    return f"{low} … {high}"


def plural(number: int, singular: str, many: str | None = None) -> str:
    """`1 fault`, `2 faults`."""
    return f"{count(number)} {singular if number == 1 else many or singular + 's'}"

"""Ratios and durations as an explanation says them."""

from __future__ import annotations

import math

_MINUTE = 60.0
_HOUR = 3600.0


def percent(ratio: float) -> str:
    """`99.87%`: two digits of the distance to the nearer end, so 99.996 never reads 100."""
    distance = 100 * min(ratio, 1 - ratio)
    if distance <= 0:
        return f"{100 * ratio:.0f}%"
    decimals = 1 - math.floor(math.log10(distance))
    return f"{100 * ratio:.{min(max(decimals, 1), 9)}f}%"


def span(seconds: float) -> str:
    """`812 ms`, `4.25 s`, `2 min 5 s`, `1 h 4 min`; `unbounded` where there is no upper end."""
    if math.isinf(seconds):
        return "unbounded"
    if seconds < 0.9995:  # noqa: PLR2004 - what rounds to a full second is shown as one
        return f"{seconds * 1000:.3g} ms"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.3g} s"
    size, unit, smaller, small_unit = (
        (_MINUTE, "min", 1.0, "s") if seconds < _HOUR else (_HOUR, "h", _MINUTE, "min")
    )
    whole, rest = divmod(round(seconds / smaller), round(size / smaller))
    return f"{whole:,} {unit} {rest} {small_unit}" if rest else f"{whole:,} {unit}"


def counted(number: int, noun: str) -> str:
    """`1 request`, `4,000 requests`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

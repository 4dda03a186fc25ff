"""Durations, rates, shares and objectives, as people write them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)"
_DURATION = re.compile(rf"(?:{_PART}\s*)+")
_ISO_DURATION = re.compile(
    r"P(?=.)(?:(?P<d>\d+)D)?(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_COMPARISON = re.compile(r"(>=|<=|>|<)\s*(.+)")
_SELECTION = re.compile(r"(count|percent)\(\s*(\d+)\s*\)")

DURATION_HINT = "a number with a unit: 500ms, 30s, 5m, 1h30m (or ISO 8601: PT5M)"
RATE_HINT = "a number per unit of time: 100/s, 6000/m"
PERCENTAGE_HINT = "a percentage: 99.9%"


def parse_duration(text: object) -> float:
    """Seconds in `500ms`, `30s`, `1h30m`, or ISO 8601 `PT5M` (the form AWS FIS uses).

    Raises:
        ValueError: it is not a duration.
    """
    if isinstance(text, str):
        written = text.strip()
        if _DURATION.fullmatch(written):
            return sum(float(n) * _SECONDS[unit] for n, unit in re.findall(_PART, written))
        if iso := _ISO_DURATION.fullmatch(written):
            return sum(float(n) * _SECONDS[unit] for unit, n in iso.groupdict().items() if n)
    raise ValueError(f"not a duration; write {DURATION_HINT}")


def parse_rate(text: object) -> float:
    """Arrivals per second in `100/s` or `6000/m`.

    Raises:
        ValueError: it is not a rate above zero.
    """
    if rate := parse_rate_or_zero(text):
        return rate
    raise ValueError(f"not a rate; write {RATE_HINT}")


def parse_rate_or_zero(text: object) -> float:
    """Arrivals per second in `100/s`, `6000/m` or `0/s`.

    Raises:
        ValueError: it is not a rate.
    """
    found = _RATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"not a rate; write {RATE_HINT}")
    return float(found[1]) / _SECONDS[found[2]]


def parse_percentage(text: object) -> float:
    """The ratio in 0..1 that `99.9%` stands for.

    Raises:
        ValueError: it is not a percentage in 0..100.
    """
    found = _PERCENTAGE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found or float(found[1]) > 100:  # noqa: PLR2004 - per cent
        raise ValueError(f"not a percentage; write {PERCENTAGE_HINT}")
    return round(float(found[1]) / 100, 12)  # 99.9 % is 0.999, not 0.9990000000000001


def parse_number(text: object) -> float:
    """A plain number: `1`, `14.4`.

    Raises:
        ValueError: it is not a number of digits.
    """
    if isinstance(text, str) and _NUMBER.fullmatch(text.strip()):
        return float(text)
    raise ValueError("not a number")


class Unit(StrEnum):
    """What an objective is measured in."""

    RATIO = "ratio"
    SECONDS = "seconds"
    RATE = "rate"
    NUMBER = "number"


_BOUNDS: dict[Unit, Callable[[object], float]] = {
    Unit.RATIO: parse_percentage,
    Unit.SECONDS: parse_duration,
    Unit.RATE: parse_rate,
    Unit.NUMBER: parse_number,
}
"""No text can be read in two of these ways."""

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound and the side of it that is meant: `>= 99%`, `<= 800ms`, `>= 90/s`, `<= 1`."""

    comparison: str
    """`>=`, `<=`, `>` or `<`."""
    bound: float
    """A ratio in 0..1, seconds, so many per second, or a plain number, by `unit`."""
    unit: Unit
    text: str
    """As it was written."""

    def holds_for(self, value: float) -> bool:
        """Whether `value` is on the side that is meant."""
        return COMPARE[self.comparison](value, self.bound)

    @property
    def at_least(self) -> bool:
        """Whether more is better: `>=` or `>`."""
        return self.comparison.startswith(">")

    def __str__(self) -> str:
        return self.text


def parse_threshold(text: object) -> Threshold:
    """Read `>= 99%`, `<= 800ms`, `>= 90/s` or `<= 1`.

    Raises:
        ValueError: there is no comparison, or nothing behind it that can be measured.
    """
    hint = 'write a comparison and a bound: ">= 99.9%", "<= 800ms"'
    found = _COMPARISON.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"not an objective; {hint}")
    comparison, bound = found.groups()
    for unit, parse in _BOUNDS.items():
        try:
            return Threshold(comparison, parse(bound), unit, f"{comparison} {bound.strip()}")
        except ValueError:
            continue
    raise ValueError(f"not an objective; {hint}")


class SelectionMode(StrEnum):
    """How targets are chosen among the resources that match."""

    ALL = "all"
    COUNT = "count"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Selection:
    """`all`, `count(2)` or `percent(50)`, as FIS selects."""

    mode: SelectionMode = SelectionMode.ALL
    amount: int = 0
    """How many, or how many per cent; 0 with `all`."""

    def size(self, available: int) -> int:
        """How many of `available` resources are taken; percentages round down, as in FIS."""
        match self.mode:
            case SelectionMode.ALL:
                return available
            case SelectionMode.COUNT:
                return min(self.amount, available)
            case SelectionMode.PERCENT:
                return available * self.amount // 100

    def __str__(self) -> str:
        return "all" if self.mode is SelectionMode.ALL else f"{self.mode}({self.amount})"


def parse_selection(text: object) -> Selection:
    """Read `all`, `count(2)` or `percent(50)`; FIS writes them in capitals.

    Raises:
        ValueError: it is none of these.
    """
    written = text.strip().lower() if isinstance(text, str) else ""
    if written == SelectionMode.ALL:
        return Selection()
    found = _SELECTION.fullmatch(written)
    if found:
        selection = Selection(SelectionMode(found[1]), int(found[2]))
        top = 100 if selection.mode is SelectionMode.PERCENT else selection.amount
        if 0 < selection.amount <= top:
            return selection
    raise ValueError("not a selection; write all, count(2) or percent(50)")

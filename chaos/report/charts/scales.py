"""From values to pixels, and where the ticks of an axis go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

_STEPS = (1, 2, 2.5, 5, 10)
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)

WIDE_RANGE = 30
"""From this ratio of highest to lowest on, a logarithmic axis shows more than a linear one."""


class Scale(Protocol):
    """An axis."""

    def __call__(self, value: float) -> float:
        """The pixel at which `value` stands."""

    def ticks(self) -> list[float]:
        """The values that get a label."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Equal steps are equally far apart."""

    low: float
    high: float
    start: float
    """The pixel of `low`."""
    end: float
    """The pixel of `high`."""
    about: int = 5
    """How many ticks there should be."""

    def __call__(self, value: float) -> float:
        """The pixel at which `value` stands; values beyond the ends stand at the ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values from end to end."""
        step = nice_step((self.high - self.low) / self.about)
        first, last = math.ceil(self.low / step), math.floor(self.high / step + 1e-9)
        return [count * step for count in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """Equal ratios are equally far apart."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel at which `value` stands; values beyond the ends stand at the ends."""
        inside = min(max(value, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """The powers of ten from end to end."""
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def from_zero(highest: float, start: float, end: float) -> Linear:
    """A linear axis from 0 to a round value that is not below `highest`."""
    step = nice_step(max(highest, 1e-9) / 5)
    return Linear(0, step * max(1, math.ceil(highest / step - 1e-9)), start, end)


def fitting(lowest: float, highest: float, start: float, end: float) -> Scale:
    """Logarithmic where the range is wide, else linear from zero."""
    if lowest <= 0 or highest / lowest < WIDE_RANGE:
        return from_zero(highest, start, end)
    low = 10.0 ** math.floor(math.log10(lowest))
    return Logarithmic(low, _round_up(highest), start, end)


def nice_step(least: float) -> float:
    """The smallest 1, 2, 2.5 or 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def time_step(least: float) -> float:
    """The smallest step of a time axis, in seconds, that is not below `least`."""
    return next((step for step in _TIME_STEPS if step >= least), nice_step(least))


def _round_up(value: float) -> float:
    """To the next leading digit: 4.3 becomes 5."""
    power = 10.0 ** math.floor(math.log10(value))
    return math.ceil(value / power - 1e-9) * power

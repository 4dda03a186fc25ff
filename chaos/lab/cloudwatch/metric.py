"""A metric's name, and the values that were measured of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class Metric(NamedTuple):
    """Names one metric: all of its parts must be the same for two values to belong together."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Self:
        """With the dimensions as a mapping."""
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(slots=True)
class Values:
    """Values of a metric, put together: all that statistics are computed from."""

    count: float = 0
    total: float = 0
    least: float = float("inf")
    most: float = float("-inf")
    times_of: dict[float, float] | None = field(default_factory=dict)
    """How often there was which value; None where only the sums are known."""

    @classmethod
    def one(cls, value: float) -> Self:
        """A single value."""
        return cls.counted({value: 1})

    @classmethod
    def counted(cls, times_of: Mapping[float, float]) -> Self:
        """Several values, each with how often it was there."""
        values = {value: times for value, times in times_of.items() if times > 0}
        if not values:
            return cls()
        total = sum(value * times for value, times in values.items())
        return cls(sum(values.values()), total, min(values), max(values), values)

    @classmethod
    def summed(cls, count: float, total: float, least: float, most: float) -> Self:
        """Values of which only the sums are known: what the API calls a statistic set."""
        known = {least: count} if least == most else None
        return cls(count, total, least, most, known)

    def add(self, other: Values) -> None:
        """Put the other values to these."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if self.times_of is None or other.times_of is None:
            self.times_of = None
        else:
            for value, times in other.times_of.items():
                self.times_of[value] = self.times_of.get(value, 0) + times


def together(parts: Iterable[Values]) -> Values:
    """All of them as one."""
    whole = Values()
    for part in parts:
        whole.add(part)
    return whole

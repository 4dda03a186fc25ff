"""The plan of the open model: when each arrival is due.

Pure functions of the arrival's number, so that the engine, which closes the accounts, and every
worker, which releases its share, see the very same floating-point times without exchanging them.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_MORE_THAN_ANY_RUN = 1 << 40
"""Arrivals; the upper bound of the searches below."""


class Arrivals(Protocol):
    """A sequence of arrivals."""

    def due(self, index: int) -> float:
        """Seconds after the start at which arrival `index` (from 0) is due.

        Never less than that of the arrival before; `math.inf` beyond the last one.
        """


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """Evenly spaced arrivals."""

    rate: float
    """Arrivals per second."""

    def due(self, index: int) -> float:
        """Seconds after the start."""
        return index / self.rate


@dataclass(frozen=True, slots=True)
class Plan:
    """Arrivals that start at a point in time."""

    arrivals: Arrivals
    start: float
    """Seconds since the epoch."""

    def due_at(self, index: int) -> float:
        """When arrival `index` is due, in seconds since the epoch."""
        return self.start + self.arrivals.due(index)

    def due_before(self, moment: float) -> int:
        """How many arrivals are due before that moment (seconds since the epoch)."""
        return bisect_left(range(_MORE_THAN_ANY_RUN), moment, key=self.due_at)

    def share(self, index: int, of: int) -> Iterator[float]:
        """The due times that worker `index` of `of` releases: every `of`-th arrival, endlessly."""
        return map(self.due_at, itertools.count(index, of))

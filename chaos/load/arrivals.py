"""The plan of the open model: when each arrival is due.

Pure functions of the arrival's number, so that the engine, which closes the accounts, and every
worker, which releases its share, see the very same floating-point times without exchanging them.
"""

from __future__ import annotations

import itertools
import math
import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from chaos.model.rate import Leg, Legs, steady

_BLOCK = 1024
"""Arrivals of a Poisson process that are drawn together. A power of two: see `Plan.due_before`."""


class Arrivals(Protocol):
    """A sequence of arrivals."""

    def due(self, index: int) -> float:
        """Seconds after the start at which arrival `index` (from 0) is due.

        Never less than that of the arrival before; `math.inf` beyond the last one.
        """


class EvenArrivals:
    """As evenly spaced as the rate lets them be."""

    def __init__(self, legs: Legs) -> None:
        self._rate = _RateOverTime(legs)

    def due(self, index: int) -> float:
        """Seconds after the start."""
        return self._rate.time_of(index)


class PoissonArrivals:
    """Independent of each other, as customers are: a Poisson process of that rate.

    One of rate 1 is drawn, and its time stretched to where the rate has brought as many (Cinlar,
    "Introduction to Stochastic Processes", 1975, chapter 4.7). The same seed gives the same.
    """

    def __init__(self, legs: Legs, seed: int) -> None:
        self._rate = _RateOverTime(legs)
        self._process = _PoissonProcess(seed)

    def due(self, index: int) -> float:
        """Seconds after the start."""
        return self._rate.time_of(self._process.time_of(index))


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
        # Powers of two: bisection then asks for the first of a block until it is within one.
        enough = _BLOCK
        while self.due_at(enough) < moment:
            enough *= 2
        return bisect_left(range(enough), moment, key=self.due_at)

    def share(self, index: int, of: int) -> Iterator[float]:
        """The due times that worker `index` of `of` releases: every `of`-th arrival, endlessly."""
        return map(self.due_at, itertools.count(index, of))


class _RateOverTime:
    """When a rate has brought so many arrivals: the inverse of its integral."""

    def __init__(self, legs: Legs) -> None:
        self._legs = (*legs, *steady(legs[-1].end))
        self._starts = list(itertools.accumulate((leg.seconds for leg in legs), initial=0.0))
        """When each leg begins, in seconds after the start."""
        self._before = list(itertools.accumulate(map(_brings, legs), _add, initial=0.0))
        """How many arrivals come before each leg."""

    def time_of(self, arrivals: float) -> float:
        """Seconds after the start."""
        number = bisect_right(self._before, arrivals) - 1
        within = _time_within(self._legs[number], arrivals - self._before[number])
        return self._starts[number] + within


def _brings(leg: Leg) -> float:
    """How many arrivals."""
    return (leg.start + leg.end) / 2 * leg.seconds if leg.start or leg.end else 0.0


def _add(before: float, more: float) -> float:
    # Rounded, so that legs which mean to bring a whole number do, whatever their rate's fraction.
    return round(before + more, 9) if math.isfinite(more) else more


def _time_within(leg: Leg, arrivals: float) -> float:
    """Seconds from the leg's beginning in which it brings that many."""
    if leg.start == leg.end:
        return arrivals / leg.start if leg.start else math.inf
    if arrivals == 0:
        return 0.0
    slope = (leg.end - leg.start) / leg.seconds
    # The root of start * t + slope * t^2 / 2 = arrivals, in the form that cancels no digits.
    root = math.sqrt(max(0.0, leg.start * leg.start + 2 * slope * arrivals))
    return min(leg.seconds, 2 * arrivals / (leg.start + root))


class _PoissonProcess:
    """A Poisson process of rate 1, any of whose arrivals is found without those before it.

    Drawn are the times of every 1024th arrival, which are sums of exponential times and so have a
    gamma distribution. In between the others lie as that many uniform numbers do, in order (Ross,
    "Introduction to Probability Models", theorem 5.2), and are drawn when they are wanted.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(f"{seed}")
        self._firsts = array("d", [self._dice.expovariate(1.0)])
        """The time of each block's first arrival."""
        self._block = -1
        self._times: Sequence[float] = ()
        """Of the block that was asked for last."""

    def time_of(self, index: int) -> float:
        """The time of arrival `index`, from 0."""
        block, place = divmod(index, _BLOCK)
        while len(self._firsts) < block + 2:
            self._firsts.append(self._firsts[-1] + self._dice.gammavariate(_BLOCK, 1.0))
        if place == 0:
            return self._firsts[block]
        if block != self._block:
            self._block, self._times = block, self._draw(block)
        return self._times[place - 1]

    def _draw(self, block: int) -> list[float]:
        dice = random.Random(f"{self._seed}/{block}")
        first, after = self._firsts[block : block + 2]
        return sorted(dice.uniform(first, after) for _ in range(_BLOCK - 1))

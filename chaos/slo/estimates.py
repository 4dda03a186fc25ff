"""A measured value that knows its interval, now and had the window been longer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from chaos.measure.histogram import Histogram
from chaos.model.units import Threshold
from chaos.slo.intervals import Interval, Z, wilson

MOST_TIMES_LONGER = 1024
"""A run that would have to be longer than this decides nothing in practice."""


class Estimate(Protocol):
    """What was measured."""

    @property
    def measured(self) -> float:
        """In the unit of the indicator: a ratio in 0..1, seconds, per second, or a number."""

    def interval(self, times_longer: float = 1.0) -> Interval:
        """The 95 % interval, had the window been so many times longer and gone on the same."""


@dataclass(frozen=True, slots=True)
class Share:
    """Part of the requests (or samples, or time of users)."""

    hits: float
    requests: float
    """More than none."""
    design_effect: float

    @property
    def measured(self) -> float:
        """In 0..1."""
        return self.hits / self.requests

    def interval(self, times_longer: float = 1.0) -> Interval:
        """Wilson's, for the number of requests over the design effect."""
        return wilson(self.measured, self.requests * times_longer / self.design_effect)


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile of durations, in seconds."""

    durations: Histogram
    """Not empty."""
    q: float
    """In 0..1, the ends excluded."""
    design_effect: float

    @property
    def measured(self) -> float:
        """In seconds."""
        return self._at(self.q)

    def interval(self, times_longer: float = 1.0) -> Interval:
        """From order statistic to order statistic, as Woodruff's (JASA 1952).

        They are those whose share of the requests is `q`, give or take the standard error of a
        share. The upper end is infinite where even the longest duration may well be below the
        percentile: 100 requests say nothing about the upper end of p99.9.
        """
        requests = self.durations.count * times_longer / self.design_effect
        error = Z * math.sqrt(self.q * (1 - self.q) / requests)
        low = self._at(self.q - error) if error < self.q else 0.0
        high = self._at(self.q + error) if self.q + error < 1 else math.inf
        return low, high

    def _at(self, q: float) -> float:
        found = self.durations.quantile(q)
        if found is None:
            raise ValueError("there is no quantile of no durations")
        return found


@dataclass(frozen=True, slots=True)
class Scaled:
    """So many times a share: what is spent of an error budget, or how fast."""

    share: Share
    factor: float

    @property
    def measured(self) -> float:
        """The share's, scaled."""
        return self.share.measured * self.factor

    def interval(self, times_longer: float = 1.0) -> Interval:
        """The share's, scaled."""
        low, high = self.share.interval(times_longer)
        return low * self.factor, high * self.factor


@dataclass(frozen=True, slots=True)
class Mean:
    """What a second has on average."""

    measured: float
    standard_error: float

    def interval(self, times_longer: float = 1.0) -> Interval:
        """The normal one; never below zero."""
        half = Z * self.standard_error / math.sqrt(times_longer)
        return max(0.0, self.measured - half), self.measured + half


def is_decided(interval: Interval, objective: Threshold) -> bool:
    """Whether the whole interval is on one side of the objective."""
    low, high = interval
    return objective.holds_for(low) == objective.holds_for(high)


def times_longer(estimate: Estimate, objective: Threshold) -> float | None:
    """How many times longer the window would decide, to 5 %; None where no length would.

    Intervals narrow with the square root of the length, or faster where nothing failed; so the
    length is looked for rather than computed.
    """
    enough = 1.0
    while not is_decided(estimate.interval(enough), objective):
        enough *= 2
        if enough > MOST_TIMES_LONGER:
            return None
    too_short = enough / 2
    while enough > 1.05 * too_short:
        between = (too_short + enough) / 2
        if is_decided(estimate.interval(between), objective):
            enough = between
        else:
            too_short = between
    return enough

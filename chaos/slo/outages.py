"""Outages: when each began and ended, how sure that is, and how reliable that makes the system.

An outage begins with a bad moment and ends with the first good one, where it is followed by as many
good ones in a row as `SUSTAINED` says (or by the end of the watch); so a system that flaps has one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.slo.intervals import Interval, poisson
from chaos.slo.parts import SUSTAINED
from chaos.slo.watch import Moment, Watch


@dataclass(frozen=True, slots=True)
class Edge:
    """When an outage began or ended; seconds since the epoch."""

    earliest: float
    at: float
    """What is reported: see `outages_of`."""
    latest: float


@dataclass(frozen=True, slots=True)
class Outage:
    """One stretch in which the system was bad."""

    start: Edge
    end: Edge
    """Where `over` is false, when it was no longer watched."""
    over: bool

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end.at - self.start.at

    @property
    def bounds(self) -> Interval:
        """Between these the true length lies; infinite at the top where it was not over."""
        longest = self.end.latest - self.start.earliest if self.over else math.inf
        return max(0.0, self.end.earliest - self.start.latest), longest


@dataclass(frozen=True, slots=True)
class Reliability:
    """The outages that one source saw, and what follows from them."""

    source: str
    watched: float
    """Seconds."""
    every: float
    """Seconds between two looks: an outage shorter than that may not have been seen."""
    outages: tuple[Outage, ...]

    @property
    def downtime(self) -> float:
        """Seconds of all outages."""
        return sum(outage.seconds for outage in self.outages)

    @property
    def longest(self) -> float:
        """Seconds of the longest outage; 0 where there was none."""
        return max((outage.seconds for outage in self.outages), default=0.0)

    @property
    def longest_bounds(self) -> Interval:
        """Between these its true length lies."""
        if not self.outages:
            return 0.0, self.every
        lows, highs = zip(*(outage.bounds for outage in self.outages), strict=True)
        return max(lows), max(highs)

    @property
    def mtbf(self) -> float:
        """Mean time between failures: seconds up for each outage; infinite where there was none."""
        return mean_time_between(self.watched - self.downtime, len(self.outages))[0]

    @property
    def mtbf_interval(self) -> Interval:
        """The 95 % one, had outages come independently of each other (a Poisson process)."""
        return mean_time_between(self.watched - self.downtime, len(self.outages))[1]

    @property
    def mttr(self) -> float:
        """Mean time to repair: seconds that an outage lasted on average; 0 where there was none."""
        return self.downtime / len(self.outages) if self.outages else 0.0

    @property
    def mttr_bounds(self) -> Interval:
        """Between these the true mean of this run lies."""
        if not self.outages:
            return 0.0, self.every
        lows, highs = zip(*(outage.bounds for outage in self.outages), strict=True)
        return sum(lows) / len(lows), sum(highs) / len(highs)


def mean_time_between(up: float, outages: int) -> tuple[float, Interval]:
    """Seconds up for each outage, and the 95 % interval, had they come by a Poisson process."""
    up = max(0.0, round(up, 6))  # times since the epoch have no more digits
    fewest, most = poisson(outages)
    mean = up / outages if outages else math.inf
    return mean, (up / most, up / fewest if fewest else math.inf)


def reliability_of(watch: Watch) -> Reliability:
    """Its outages."""
    return Reliability(watch.source, watch.watched, watch.every, tuple(outages_of(watch)))


def outages_of(watch: Watch) -> Iterator[Outage]:
    """Each outage, in order of time.

    Of samples it begins when the first bad one was due and ends when the first good one was. In a
    second of load of which a share was bad it began anywhere between the second's start and such
    a share before its end: the middle is taken, and likewise at its end.
    """
    moments = watch.moments
    for first, last in _stretches(moments):
        before = moments[first - 1] if first else None
        after = moments[last + 1] if last + 1 < len(moments) else None
        yield Outage(
            _start(watch, before, moments[first]),
            _end(watch, moments[last], after),
            over=after is not None,
        )


def _stretches(moments: Sequence[Moment]) -> Iterator[tuple[int, int]]:
    """The first and the last bad moment of each outage, by index."""
    bad = [index for index, moment in enumerate(moments) if not moment.good]
    first = 0
    for number, index in enumerate(bad):
        is_last = number + 1 == len(bad) or bad[number + 1] - index > SUSTAINED
        if is_last:
            yield bad[first], index
            first = number + 1


def _start(watch: Watch, before: Moment | None, first: Moment) -> Edge:
    if watch.width == 0:
        return Edge((before or first).at, first.at, first.at)
    latest = first.at + watch.width * (1 - first.bad_share)
    return Edge(first.at, (first.at + latest) / 2, latest)


def _end(watch: Watch, last: Moment, after: Moment | None) -> Edge:
    if after is None:
        return Edge(watch.ends_at, watch.ends_at, watch.ends_at)
    if watch.width == 0:
        return Edge(last.at, after.at, after.at)
    earliest = last.at + watch.width * last.bad_share
    return Edge(earliest, (earliest + last.at + watch.width) / 2, after.at)

"""What a closed model leaves out, estimated: the requests that users who waited did not make.

In the closed model a user who waits for an answer sends nothing meanwhile, so a stall of ten
seconds is one slow request where it would have been many ("coordinated omission"). HdrHistogram's
correction (Gil Tene, `recordValueWithExpectedInterval`) adds, for each duration longer than the
interval at which a user makes requests, those that would have been due meanwhile.
"""

from __future__ import annotations

import math
from statistics import median

from chaos.measure.histogram import Histogram
from chaos.measure.run import PhaseName, Run
from chaos.slo.window import window_of

_MOST_ADDED = 10_000
"""Requests added for one that took very long: more would only say the same more often."""


def expected_interval(run: Run, users: int) -> float | None:
    """Seconds from one request of a user to the next, when all is well.

    By Little's law that is users over throughput ("A Proof for the Queuing Formula L = λW",
    Operations Research 1961): of the median second of the baseline, or of the fault phase where
    there is no baseline. None where neither has a request.
    """
    for name in (PhaseName.BASELINE, PhaseName.FAULT):
        tallies = window_of(run, (name,)).tallies(lambda piece: piece.planned, lambda _: 0)
        if tallies:
            return users / median(tally.requests for tally in tallies)
    return None


def corrected(durations: Histogram, expected: float) -> Histogram:
    """The durations, and those of the requests that would have been due while one was waited for.

    For a duration `d` above `expected` these are `d - expected`, `d - 2 * expected`, … down to
    `expected`, all in seconds.
    """
    with_omitted = Histogram()
    with_omitted.merge(durations)
    for seconds, times in durations.values():
        missing = min(math.floor(seconds / expected) - 1, _MOST_ADDED)
        for step in range(1, missing + 1):
            with_omitted.record(seconds - step * expected, times)
    return with_omitted

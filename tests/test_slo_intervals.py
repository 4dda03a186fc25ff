"""Confidence intervals: they hold what they say, also where failures come in bursts."""

from __future__ import annotations

import math
import random
from statistics import variance

from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.run import PhaseName
from chaos.slo.estimates import Quantile, Share
from chaos.slo.intervals import block_variance, design_effect, residuals, wilson
from chaos.slo.parts import parts_of
from chaos.slo.window import Tally
from tests.slo_runs import START, bursts, draw, exponential, fault

RUNS = 200
"""Simulated runs behind each coverage."""


def _tallies(failed: list[int], requests: int = 100) -> list[Tally]:
    return [Tally(START + at, requests, hits) for at, hits in enumerate(failed)]


def _share(failed: list[int]) -> Share:
    tallies = _tallies(failed)
    effect = design_effect(tallies, [0] * len(tallies))
    return Share(sum(failed), 100 * len(failed), effect)


def _covered(samples: list[list[int]], truth: float) -> float:
    intervals = [_share(failed).interval() for failed in samples]
    return sum(low <= truth <= high for low, high in intervals) / len(intervals)


@given(st.floats(0, 1), st.floats(0.5, 1e9))
def test_wilson_holds_the_share_and_stays_a_ratio(share: float, requests: float) -> None:
    """The interval contains what was measured and never leaves 0..1."""
    low, high = wilson(share, requests)
    assert 0 <= low <= share <= high <= 1


def test_wilson_at_no_failure_is_the_published_number() -> None:
    """3,838 good requests in a row are just enough for 99.9 %, and 3,837 are not."""
    assert wilson(1.0, 3838)[0] >= 0.999 > wilson(1.0, 3837)[0]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=60))
def test_bursts_only_ever_widen(failed: list[int]) -> None:
    """The interval is never narrower than that of as many independent requests."""
    found = _share(failed)
    low, high = found.interval()
    alone_low, alone_high = wilson(found.measured, found.requests)
    assert low <= alone_low
    assert alone_high <= high


def test_the_closed_form_is_what_drawing_blocks_converges_to() -> None:
    """The widest of 1, 2 and 4 seconds: blocks drawn 4,000 times vary as the formula says."""
    dice = random.Random(3)
    tallies = _tallies([0, 0, 0, 0, 0, 5, 6, 7, 6, 8, 0, 1] * 2)
    differences = residuals(tallies, [0] * 24)
    drawn = max(_drawn_variance(dice, differences, length) for length in (1, 2, 4))
    assert math.isclose(block_variance(differences), drawn, rel_tol=0.06)


def _drawn_variance(dice: random.Random, differences: list[float], length: int) -> float:
    """How sums of blocks drawn from the ring vary, corrected for how few blocks there are."""
    ring, seconds = differences + differences[:length], len(differences)
    sums = [sum(ring[at : at + length]) for at in range(seconds)]
    drawn = [sum(dice.choices(sums, k=seconds // length)) for _ in range(4000)]
    return variance(drawn) * seconds / (seconds - length)


def test_independent_failures_are_covered() -> None:
    """Nominal 95 %: measured between 92 % and 99 % at one failure in a hundred."""
    dice = random.Random(1)
    samples = [[draw(dice, 100, 0.01) for _ in range(60)] for _ in range(RUNS)]
    assert 0.92 <= _covered(samples, 0.01) <= 0.99


def test_bursty_failures_are_covered() -> None:
    """Nominal 95 %: measured between 90 % and 99 % with bursts of five seconds.

    As many independent requests would make it less than half of that.
    """
    dice = random.Random(2)
    samples = [bursts(dice, 300, 0.05, lasting=5, depth=0.5) for _ in range(RUNS)]
    assert 0.9 <= _covered(samples, 0.05) <= 0.99
    naive = [wilson(sum(failed) / 30_000, 30_000) for failed in samples]
    assert sum(low <= 0.05 <= high for low, high in naive) / RUNS < 0.45


def test_the_dip_of_a_fault_is_no_chance() -> None:
    """With a dip at the fault, the interval covers and is a third as wide as without that."""
    dice = random.Random(4)
    chances = [0.0005] * 5 + [0.17] * 8 + [0.0005] * 37
    truth = sum(chances) / len(chances)
    phases = {START + at: PhaseName.FAULT for at in range(50)}
    covered, wide, narrow = 0, 0.0, 0.0
    for _ in range(RUNS):
        failed = [draw(dice, 100, chance) for chance in chances]
        tallies, hits = _tallies(failed), sum(failed)
        parts = parts_of(tallies, phases, (fault(5.1, 6.0),))
        low, high = Share(hits, 5000, design_effect(tallies, parts)).interval()
        alike_low, alike_high = _share(failed).interval()
        covered += low <= truth <= high
        narrow, wide = narrow + high - low, wide + alike_high - alike_low
    assert covered / RUNS >= 0.93
    assert narrow < wide / 3


def test_a_dip_long_after_the_fault_is_chance() -> None:
    """Only what begins near a fault belongs to it; later trouble widens the interval."""
    tallies = _tallies([0] * 20 + [40] * 3 + [0] * 27)
    phases = {tally.second: PhaseName.FAULT for tally in tallies}
    at_once = design_effect(tallies, parts_of(tallies, phases, (fault(19.8, 20.1),)))
    for called in (5.0, 15.0):
        earlier = parts_of(tallies, phases, (fault(called, called + 0.1),))
        assert design_effect(tallies, earlier) > 20
    assert at_once == 1


def test_a_good_second_in_between_does_not_end_a_dip() -> None:
    """The whole stretch up to three good seconds is one part."""
    tallies = _tallies([0, 0, 40, 0, 40, 40, 0, 0, 0, 0, 40])
    phases = {tally.second: PhaseName.FAULT for tally in tallies}
    parts = parts_of(tallies, phases, (fault(2.0, 2.1),))
    assert [part is PhaseName.FAULT for part in parts] == [True] * 2 + [False] * 4 + [True] * 5


@given(
    st.lists(st.floats(1e-4, 100), min_size=1, max_size=50),
    st.floats(0.001, 0.999),
    st.floats(1, 1e4),
)
def test_the_interval_of_a_percentile_holds_it(
    seconds: list[float], q: float, effect: float
) -> None:
    """The interval contains the measured percentile, however few requests there are."""
    durations = exponential(random.Random(0), 0, 1)
    for duration in seconds:
        durations.record(duration)
    found = Quantile(durations, q, effect)
    low, high = found.interval()
    assert 0 <= low <= found.measured <= high


def test_percentiles_are_covered() -> None:
    """Nominal 95 %: p99 of 2,000 exponential durations is covered in 91 % to 99 % of the runs."""
    dice = random.Random(6)
    truth = -math.log(0.01)
    found = [Quantile(exponential(dice, 2000, 1.0), 0.99, 1.0).interval() for _ in range(RUNS)]
    assert 0.91 <= sum(low <= truth <= high for low, high in found) / RUNS <= 0.99


def test_too_few_requests_leave_the_upper_end_open() -> None:
    """A hundred requests cannot bound p99 from above, ten thousand can."""
    dice = random.Random(7)
    assert Quantile(exponential(dice, 100, 1.0), 0.99, 1.0).interval()[1] == math.inf
    assert Quantile(exponential(dice, 10_000, 1.0), 0.99, 1.0).interval()[1] < 10

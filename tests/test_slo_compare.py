"""The fault phase against the baseline: shifts and p-values, with and without ties."""

from __future__ import annotations

import random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.recording import Outcome, Recording
from chaos.measure.run import PhaseName, Run
from chaos.slo.changes import changes
from chaos.slo.compare import inflation_of, shift
from tests.slo_runs import ENDPOINT, START, fault, phase, run_of

NUMBERS = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=25)

TIED = (
    "13 13 10 8 8 10 8 7 10 10 11 8 10 10 7 11 11 15 10 10 12 10 12 9 10 12 11 10 8 11",
    """11 13 12 14 11 12 13 8 10 9 17 11 13 13 10 6 14 10 13 7 10 15 15 7 7 11 13 11 12 8
    13 14 10 7 9 13 6 11 8 11""",
)
FAR = (
    "0.49 0.03 0.043 0.703 0.983 0.593 0.394 0.17 0.502 0.982 0.771 0.54",
    "1.36 0.732 1.014 1.452 1.078 0.959 0.769 1.048 1.457 0.506 1.284 1.32 1.386 1.241 1.309",
)


@pytest.mark.parametrize(
    ("first", "second", "median_difference", "p_value"),
    [
        ("19 22 16 29 24", "20 11 17 12", -7.0, 0.11134688653314041),
        (*TIED, 1.0, 0.1288576920349909),
        (*FAR, 0.616, 0.00022958171420233683),
    ],
    ids=["textbook", "many ties", "far apart"],
)
def test_shift_and_p_value_are_those_of_a_statistics_package(
    first: str, second: str, median_difference: float, p_value: float
) -> None:
    """Reference values of an asymptotic, two-sided U test with continuity correction."""
    found = shift([float(n) for n in first.split()], [float(n) for n in second.split()])
    assert found.median == pytest.approx(median_difference)
    assert found.p_value == pytest.approx(p_value)


@given(NUMBERS, NUMBERS)
def test_the_shift_is_the_median_of_all_differences(
    first: list[float], second: list[float]
) -> None:
    """It is found by counting pairs, and is exact; the interval is around it."""
    found = shift(first, second)
    assert found.median == pytest.approx(median(b - a for a in first for b in second), abs=1e-6)
    assert found.interval[0] <= found.median + 1e-6
    assert found.median <= found.interval[1] + 1e-6
    assert 0 <= found.p_value <= 1


@given(NUMBERS, NUMBERS)
def test_the_other_way_round_the_shift_is_the_opposite(
    first: list[float], second: list[float]
) -> None:
    """And as likely to be chance."""
    there, back = shift(first, second), shift(second, first)
    assert there.median == pytest.approx(-back.median, abs=1e-6)
    assert there.p_value == pytest.approx(back.p_value)


def test_the_interval_covers_a_known_shift() -> None:
    """Nominal 95 %: between 91 % and 99 % of 200 pairs of samples that differ by 3."""
    dice = random.Random(5)
    covered = 0
    for _ in range(200):
        first = [dice.lognormvariate(0, 1) for _ in range(15)]
        second = [dice.lognormvariate(0, 1) + 3 for _ in range(30)]
        low, high = shift(first, second).interval
        covered += low <= 3 <= high
    assert 182 <= covered <= 198


def test_numbers_that_follow_each_other_say_less() -> None:
    """A slow wave repeats itself from second to second; what alternates does not."""
    wave = [float(at // 10 % 2) for at in range(100)]
    alternating = [float(at % 2) for at in range(100)]
    assert inflation_of(wave) > 3
    assert inflation_of(alternating) == pytest.approx(1, abs=0.02)
    assert inflation_of([1.0] * 10) == 1


def _run(baseline: float, during: float) -> Run:
    dice = random.Random(2)
    load = Recording()
    for second in range(50):
        typical = baseline if second < 20 else during
        for number in range(50):
            at = START + second + number / 50
            load.record(ENDPOINT, Outcome.OK, at, at, at + typical * dice.lognormvariate(0, 0.3))
    spans = (phase(PhaseName.BASELINE, 0, 20), phase(PhaseName.FAULT, 20, 50))
    return run_of(load, (fault(20, 20.2),), spans)


def test_a_fault_that_slows_is_told_from_a_system_that_is_slow() -> None:
    """10 ms that become 13 ms are a rise of 3 ms; 500 ms that stay so are no change."""
    slowed, _ = changes(_run(0.010, 0.013))
    assert slowed.said.startswith("p50 rose by ")
    assert slowed.shift.median == pytest.approx(0.003, rel=0.2)
    assert slowed.shift.p_value < 0.001
    slow, _ = changes(_run(0.5, 0.5))
    assert slow.said.startswith("p50 did not change measurably")


def test_too_short_a_baseline_is_not_compared() -> None:
    """Four seconds say nothing about chance."""
    run = _run(0.01, 0.02)
    spans = (phase(PhaseName.BASELINE, 16, 20), phase(PhaseName.FAULT, 20, 50))
    assert changes(run_of(run.load, run.faults, spans)) == ()
    assert changes(run_of(run.load, run.faults, spans[1:])) == ()

"""Outages of known times: when they began, how long they were, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.run import PhaseName, Run
from chaos.measure.samples import SampleSeries
from chaos.model.slo import Slo
from chaos.slo.intervals import poisson
from chaos.slo.judge import judge
from chaos.slo.outages import outages_of, reliability_of
from chaos.slo.verdict import SloResult, Verdict
from chaos.slo.watch import Watch, watch_load, watch_probe
from tests.slo_runs import (
    START,
    counted,
    drawn,
    fault,
    loaded_through,
    phase,
    probed,
    probed_through,
    run_of,
)

LENGTHS = (0.3, 1.0, 5.0, 20.0)


def _with_probe(series: SampleSeries, seconds: float = 40) -> Run:
    """A run without load, its fault at second 5."""
    spans = (phase(PhaseName.BASELINE, 0, 5), phase(PhaseName.FAULT, 5, seconds))
    return replace(counted([], fault(5.0, 5.4), phases=spans), probes=(series,))


def _watched(series: SampleSeries) -> Watch:
    return watch_probe(series, _with_probe(series))


def _judged(sli: str, objective: str, run: Run, **more: object) -> SloResult:
    slo = Slo.model_validate({"sli": sli, "objective": objective, **more})
    (result,) = judge([slo], run)
    return result


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("starts", [7.0, 7.04, 7.55, 7.99])
def test_a_probe_measures_an_outage_to_100_ms(starts: float, length: float) -> None:
    """Its start and its length, and the interval holds the truth."""
    series = probed_through([(starts, starts + length)], 40)
    (outage,) = outages_of(_watched(series))
    assert abs(outage.start.at - START - starts) <= 0.1 + 1e-6
    assert abs(outage.seconds - length) <= 0.1 + 1e-6
    low, high = outage.bounds
    assert low - 1e-6 <= length <= high + 1e-6
    assert high - low <= 0.2 + 1e-6


@given(st.floats(3, 10), st.floats(0.3, 25))
def test_a_load_measures_an_outage_to_a_second(starts: float, length: float) -> None:
    """However it lies across the seconds: its start and its length, and the interval holds."""
    run = run_of(
        loaded_through((starts, starts + length), 40), (), (phase(PhaseName.FAULT, 0, 40),)
    )
    (outage,) = outages_of(watch_load(run))
    slack = 0.06  # a second with four bad requests of a hundred is not told from a good one
    assert abs(outage.start.at - START - starts) <= 1 + slack
    assert abs(outage.seconds - length) <= 1 + slack
    assert outage.bounds[0] - slack <= length <= outage.bounds[1] + slack


def test_a_flapping_system_has_one_outage() -> None:
    """Until three good seconds in a row: two good ones between do not end it."""
    found = [
        (o.start.at - START, o.seconds) for o in outages_of(watch_load(drawn("..x.x..x...xx..")))
    ]
    assert found == [(2.25, 5.5), (11.25, 1.5)]


def test_an_outage_at_the_end_is_not_over() -> None:
    """It lasted at least until then, and nothing bounds it."""
    (outage,) = outages_of(watch_load(drawn("....xxx")))
    assert not outage.over
    assert outage.bounds == (2.5, math.inf)


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_outages_are_apart_and_within_the_watch(good: list[bool]) -> None:
    """In order of time, none touching the next, each with a length within its bounds."""
    seen = reliability_of(_watched(probed(good)))
    ends = [START - 1.0]
    for outage in seen.outages:
        assert ends[-1] < outage.start.at < outage.end.at
        assert outage.bounds[0] <= outage.seconds + 1e-6
        assert outage.seconds <= outage.bounds[1] + 1e-6
        ends.append(outage.end.at)
    assert seen.downtime <= seen.watched + 1e-6
    assert bool(seen.outages) == (not all(good))


def test_poisson_intervals_are_the_published_numbers() -> None:
    """Garwood's table: 0, 1, 3, 10 and 100 events, from half a chi-square quantile."""
    expected = {
        0: (0, 3.688879),
        1: (0.025318, 5.571643),
        3: (0.618672, 8.767273),
        10: (4.795389, 18.390356),
        100: (81.363991, 121.626794),
    }
    for count, bounds in expected.items():
        assert poisson(count) == pytest.approx(bounds, rel=1e-5)


def test_mtbf_is_time_up_for_each_outage() -> None:
    """Two outages in 60 s, and none, which is no proof that there is never one."""
    two = reliability_of(watch_load(drawn("." * 20 + "xx" + "." * 20 + "xx" + "." * 16)))
    assert len(two.outages) == 2
    assert two.mtbf == pytest.approx((60 - two.downtime) / 2)
    assert two.mttr == pytest.approx(two.downtime / 2)
    none = reliability_of(watch_load(drawn("." * 60)))
    assert none.mtbf == math.inf
    assert none.mtbf_interval == pytest.approx((60 / 3.688879, math.inf), rel=1e-5)


@pytest.mark.parametrize(
    ("sli", "objective", "verdict", "measured"),
    [
        ("longest_outage", "<= 2s", Verdict.PASS, 1.5),
        ("longest_outage", "<= 1.5s", Verdict.INCONCLUSIVE, 1.5),
        ("longest_outage", "<= 1s", Verdict.FAIL, 1.5),
        ("outages", "<= 2", Verdict.PASS, 2),
        ("outages", "<= 1", Verdict.FAIL, 2),
        ("mttr", "<= 2s", Verdict.PASS, 0.9),
        ("mtbf", ">= 1s", Verdict.PASS, 16.6),
        ("mtbf", ">= 1m", Verdict.INCONCLUSIVE, 16.6),
        ("time_to_detect", "<= 3s", Verdict.PASS, 2.1),
        ("time_to_detect", "<= 1s", Verdict.FAIL, 2.1),
        ("recovery_time", "<= 20s", Verdict.PASS, 14.9),
        ("recovery_time", "<= 10s", Verdict.FAIL, 14.9),
        ("availability", ">= 80%", Verdict.PASS, 1 - 1.8 / 35),
        ("availability", ">= 100%", Verdict.FAIL, 1 - 1.8 / 35),
    ],
)
def test_a_probe_is_judged_without_any_load(
    sli: str, objective: str, verdict: Verdict, measured: float
) -> None:
    """Outages of 1.5 s and 0.3 s after a fault that is confirmed at 5.4 s, seen every 100 ms."""
    run = _with_probe(probed_through([(7.5, 9.0), (20.0, 20.3)], 40))
    found = _judged(sli, objective, run, probe="front-door")
    assert found.measured == pytest.approx(measured)
    assert found.verdict is verdict


def test_an_alarm_that_never_fires_misses_its_time_to_detect() -> None:
    """Watched for long enough it has failed; else it is too early to tell."""
    run = _with_probe(probed_through([], 40))
    late = _judged("time_to_detect", "<= 30s", run, probe="front-door")
    assert late.verdict is Verdict.FAIL
    assert "Not noticed by the end of the samples, 34.6 s after" in late.explanation
    early = _judged("time_to_detect", "<= 5m", run, probe="front-door")
    assert early.verdict is Verdict.INCONCLUSIVE


def test_no_outage_is_shorter_than_what_can_be_seen() -> None:
    """None in the seconds of a load passes 1 s, and cannot tell 500 ms; a probe can."""
    run = drawn("." * 40, fault(5, 5))
    assert _judged("longest_outage", "<= 1s", run).verdict is Verdict.PASS
    assert _judged("longest_outage", "<= 500ms", run).verdict is Verdict.INCONCLUSIVE
    asked = _with_probe(probed_through([], 40))
    assert _judged("longest_outage", "<= 500ms", asked, probe="front-door").verdict is Verdict.PASS


def test_a_probe_that_was_never_asked_is_inconclusive() -> None:
    """It is no proof of anything."""
    found = _judged("outages", "<= 1", drawn("....", fault(1, 1)), probe="front-door")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.explanation == "Not measured: the probe front-door has no sample."

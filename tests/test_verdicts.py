"""The judge: verdicts follow from interval and objective, whatever the run looks like."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.measure.histogram import Histogram
from chaos.measure.recording import UNSENT_ENDPOINT, Outcome, Recording, Slice, SliceKey
from chaos.measure.run import FaultTimes, PhaseName, PhaseSpan, Run
from chaos.measure.tallies import UserTime
from chaos.model.slo import Slo
from chaos.slo.judge import judge
from chaos.slo.verdict import SloResult, Verdict, overall
from tests.benchmarks.coverage import HEALTHY, SICK, verdicts
from tests.slo_runs import ENDPOINT, START, counted, drawn, fault, phase, probed, run_of

OFFSETS = st.floats(-5, 60)
COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40)


def _slo(sli: str, objective: str, **more: object) -> Slo:
    return Slo.model_validate({"sli": sli, "objective": objective, **more})


SLOS = [
    _slo("availability", ">= 99%"),
    _slo("availability", "> 50%", during="all"),
    _slo("error_rate", "<= 1%", endpoint=ENDPOINT),
    _slo("latency", "<= 800ms", percentile=99),
    _slo("latency", "< 10ms", percentile=50, during="baseline", endpoint="GET /cart"),
    _slo("recovery_time", "<= 15s"),
    _slo("availability", ">= 90%", by="time"),
    _slo("availability", ">= 90%", by="users"),
    _slo("availability", ">= 90%", probe="front-door"),
    _slo("error_budget", "<= 1%", target="99.9%"),
    _slo("burn_rate", "<= 14.4", target="99%", during="all"),
    _slo("throughput", ">= 20/s"),
    _slo("latency", "<= 1s", percentile=90, of="service"),
    _slo("time_to_detect", "<= 5s", probe="front-door"),
    _slo("recovery_time", "<= 5s", probe="front-door"),
    _slo("longest_outage", "<= 5s"),
    _slo("mtbf", ">= 10s", probe="front-door"),
    _slo("mttr", "<= 2s"),
]
"""Indicators with an interval."""

EXACT = [
    _slo("outages", "<= 1"),
    _slo("burn_rate", "<= 2", target="99%", window="5s"),
    _slo("availability", ">= 50%", by="users", window="3s"),
]
"""Indicators that are what they are in this run."""


def _judged(slo: Slo, run: Run) -> SloResult:
    (result,) = judge([slo], run)
    return result


@st.composite
def _slices(draw: st.DrawFn) -> Slice:
    ok, failed, timed_out, not_sent = draw(st.tuples(*[st.integers(0, 30)] * 4))
    response = Histogram()
    for seconds in draw(st.lists(st.floats(0, 100), max_size=5)):
        response.record(seconds)
    return Slice(ok, failed, timed_out, not_sent, response)


@st.composite
def _runs(draw: st.DrawFn) -> Run:
    keys = st.builds(
        SliceKey,
        st.integers(START - 5, START + 60),
        st.sampled_from([ENDPOINT, "GET /cart", UNSENT_ENDPOINT]),
    )
    times = st.none() | OFFSETS.map(lambda offset: START + offset)
    faults = st.builds(
        FaultTimes, st.just("stop"), st.just("aws:ec2:stop-instances"), st.just(()), *[times] * 4
    )
    bounds = sorted(draw(st.lists(OFFSETS, min_size=5, max_size=5)))
    spans = [
        PhaseSpan(name, START + starts, START + ends)
        for name, starts, ends in zip(PhaseName, bounds, bounds[1:], strict=False)
    ]
    run = run_of(
        Recording(
            draw(st.dictionaries(keys, _slices(), max_size=40)),
            users=draw(st.dictionaries(st.integers(START, START + 60), _user_times, max_size=20)),
        ),
        draw(st.lists(faults, max_size=3)),
        spans[: draw(st.integers(0, 4))],
    )
    good = draw(st.lists(st.booleans(), max_size=60))
    return replace(run, probes=(probed(good, every=draw(st.sampled_from([0.1, 1.0, 5.0]))),))


_user_times = st.builds(UserTime, st.floats(0, 100), st.floats(0, 100))


@settings(max_examples=60, deadline=None)
@given(_runs())
def test_verdicts_follow_from_interval_and_objective(run: Run) -> None:
    """For any run: no exception, the interval holds the value, and decides the verdict."""
    for slo, result in zip(SLOS, judge(SLOS, run), strict=True):
        assert "crashed" not in result.explanation
        assert result.explanation.endswith(".")
        if result.interval is None:
            assert result.measured is None
            assert result.verdict is not Verdict.PASS
            continue
        low, high = result.interval
        assert result.measured is not None
        assert low <= result.measured <= high
        holds = {slo.objective.holds_for(low), slo.objective.holds_for(high)}
        expected = {True: Verdict.PASS, False: Verdict.FAIL}[holds.pop()]
        if holds or "belong to no endpoint" in result.explanation:
            expected = Verdict.INCONCLUSIVE
        assert result.verdict is expected


@settings(max_examples=30, deadline=None)
@given(_runs())
def test_what_has_no_interval_is_judged_by_its_value(run: Run) -> None:
    """A count, or the worst of one run, meets its objective or misses it."""
    for slo, result in zip(EXACT, judge(EXACT, run), strict=True):
        assert "crashed" not in result.explanation
        assert result.interval is None
        if result.measured is None:
            assert result.verdict is Verdict.INCONCLUSIVE
        else:
            met = slo.objective.holds_for(result.measured)
            assert result.verdict is (Verdict.PASS if met else Verdict.FAIL)


@settings(max_examples=30, deadline=None)
@given(_runs())
def test_the_same_run_is_judged_the_same(run: Run) -> None:
    """Nothing in a judgement is drawn."""
    assert judge(SLOS, run) == judge(SLOS, run)


@given(COUNTS, st.data())
def test_a_failure_never_raises_availability(
    seconds: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Turning one good answer into a failure cannot make the system look better."""
    good = [at for at, (ok, _) in enumerate(seconds) if ok]
    if not good:
        return
    at = data.draw(st.sampled_from(good))
    ok, failed = seconds[at]
    worse = [*seconds[:at], (ok - 1, failed + 1), *seconds[at + 1 :]]
    slo = _slo("availability", ">= 99%")
    before, after = (_judged(slo, counted(each)).measured for each in (seconds, worse))
    assert before is not None
    assert after is not None
    assert after < before


@given(COUNTS)
def test_availability_and_error_rate_are_two_sides_of_one(seconds: list[tuple[int, int]]) -> None:
    """They add up to one, and say the same of the same bound."""
    up = _judged(_slo("availability", ">= 90%"), counted(seconds))
    down = _judged(_slo("error_rate", "<= 10%"), counted(seconds))
    assert up.verdict is down.verdict
    if up.measured is not None and down.measured is not None:
        assert up.measured + down.measured == pytest.approx(1)


def test_healthy_runs_are_not_failed() -> None:
    """Of 200 runs at exactly 99.95 % with bursts, at most 5 % fail an objective of 99.9 %."""
    assert verdicts(HEALTHY, random.Random(8), 200)[Verdict.FAIL] <= 10


def test_sick_runs_are_not_passed() -> None:
    """Of 200 runs at exactly 99.5 % with bursts, at most 5 % pass an objective of 99.9 %."""
    assert verdicts(SICK, random.Random(9), 200)[Verdict.PASS] <= 10


def test_few_failures_are_inconclusive_and_say_what_would_decide() -> None:
    """2,997 good of 3,000 cannot tell 99.9 %; the sentence says how much more would."""
    found = _judged(_slo("availability", ">= 99.95%"), counted([(100, 0)] * 29 + [(97, 3)]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.measured == pytest.approx(0.999)
    assert "99.90% over 3,000 requests in 30.0 s" in found.explanation
    assert "more likely missed than not; about" in found.explanation


def test_the_run_that_was_asked_for_decides() -> None:
    """A run longer by what the explanation says, and otherwise the same, is conclusive."""
    slo = _slo("availability", ">= 99.9%")
    short = _judged(slo, counted([(100, 0)] * 30))
    assert short.verdict is Verdict.INCONCLUSIVE
    assert "about 9.00 s more of the same" in short.explanation
    assert _judged(slo, counted([(100, 0)] * 39)).verdict is Verdict.PASS


def test_no_length_of_run_proves_perfection() -> None:
    """An objective of 100 % cannot be passed, and is not promised to be."""
    found = _judged(_slo("availability", ">= 100%"), counted([(100, 0)] * 60))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "no run of practical length" in found.explanation


def test_phases_decide_which_seconds_count() -> None:
    """Fault and recovery by default; warm-up never; a second belongs where it begins."""
    spans = (
        phase(PhaseName.WARMUP, 0, 10),
        phase(PhaseName.BASELINE, 10, 20.5),
        phase(PhaseName.FAULT, 20.5, 30),
        phase(PhaseName.RECOVERY, 30, 40),
    )
    seconds = [(0, 10)] * 10 + [(10, 0)] * 10 + [(5, 5)] + [(0, 10)] * 9 + [(10, 0)] * 10
    run = counted(seconds, fault(20.6, 20.9), phases=spans)
    measured = {
        during: _judged(_slo("availability", ">= 99%", during=during), run).measured
        for during in (None, "baseline", "fault", "recovery", "all")
    }
    assert measured == {
        None: pytest.approx(100 / 190),
        "baseline": pytest.approx(105 / 110),
        "fault": 0,
        "recovery": 1,
        "all": pytest.approx(205 / 300),
    }


def test_a_run_without_faults_is_judged_on_its_baseline() -> None:
    """A load test has no fault phase to be judged on."""
    assert _judged(_slo("availability", ">= 99%"), drawn("." * 60)).verdict is Verdict.PASS


def test_a_phase_that_never_came_is_inconclusive() -> None:
    """No data, no verdict, and the reason is said."""
    run = counted([(10, 0)] * 5, fault(9, 9), phases=(phase(PhaseName.BASELINE, 0, 5),))
    found = _judged(_slo("availability", ">= 99%"), run)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.explanation == ("Not measured: the run never came to its fault or recovery phase.")


def test_an_unknown_endpoint_is_named_with_its_nearest() -> None:
    """A typo in an endpoint must not pass, whatever the SLI."""
    for sli, objective in (("availability", ">= 99%"), ("recovery_time", "<= 5s")):
        found = _judged(_slo(sli, objective, endpoint="GET /product"), drawn("....", fault(1, 1)))
        assert found.verdict is Verdict.INCONCLUSIVE
        assert "did you mean GET /products?" in found.explanation


def test_arrivals_that_were_never_sent_cannot_flatter_an_endpoint() -> None:
    """They have no endpoint, so an endpoint's pass must survive having been meant by all."""
    load = Recording()
    for second in range(60):
        for _ in range(100):
            at = START + second + 0.5
            load.record(ENDPOINT, Outcome.OK, at, at, at + 0.01)
        if second < 10:
            load.record_unsent(START + second, START + second + 5.0)
    run = run_of(load, (), (phase(PhaseName.BASELINE, 0, 60),))
    strict = _judged(_slo("availability", ">= 99.9%", endpoint=ENDPOINT), run)
    assert strict.verdict is Verdict.INCONCLUSIVE
    assert "belong to no endpoint" in strict.explanation
    assert _judged(_slo("availability", ">= 99%", endpoint=ENDPOINT), run).verdict is Verdict.PASS


def _stalled(seconds: range, waited: float) -> Run:
    """60 s of 100 requests at 10 ms, but for some seconds in which all wait longer."""
    load = Recording()
    for second in range(60):
        took = waited if second in seconds else 0.01
        load.at(START + second, ENDPOINT).ok = 100
        load.at(START + second, ENDPOINT).response.record(took, 100)
    return run_of(load, (), (phase(PhaseName.BASELINE, 0, 60),))


def test_latency_is_judged_from_when_requests_were_due() -> None:
    """A stall of 3 s of 60 is in p99, and a single second of it leaves p99 undecided."""
    slo = _slo("latency", "<= 800ms", percentile=99)
    assert _judged(slo, _stalled(range(0), 2.0)).verdict is Verdict.PASS
    assert _judged(slo, _stalled(range(20, 21), 2.0)).verdict is Verdict.INCONCLUSIVE
    assert _judged(slo, _stalled(range(20, 40), 2.0)).verdict is Verdict.FAIL


def test_many_equal_waits_are_as_bursty_as_any() -> None:
    """Time-outs all wait equally long: one burst of them must not look like certainty."""
    found = _judged(_slo("latency", "<= 1s", percentile=99), _stalled(range(20, 21), 10.0))
    assert found.measured == pytest.approx(10.0, rel=0.01)
    assert found.verdict is Verdict.INCONCLUSIVE


def test_clean_errors_have_no_latency() -> None:
    """Where all failed at once there is no percentile to judge."""
    found = _judged(_slo("latency", "<= 1s", percentile=99), drawn("xxx"))
    assert "every request failed at once" in found.explanation


def test_a_crash_is_inconclusive_and_reported() -> None:
    """A recording that cannot be read is no pass, and the other objectives are still judged."""
    run = drawn("." * 60)
    broken = run.load.at(START, ENDPOINT)
    broken.response = Histogram({10_000_000: 100}, 0.1, 0.2)
    latency, availability = judge([SLOS[3], SLOS[0]], run)
    assert latency.verdict is Verdict.INCONCLUSIVE
    assert "crashed, OverflowError" in latency.explanation
    assert availability.verdict is Verdict.PASS


@given(st.lists(st.sampled_from(Verdict)))
def test_fail_dominates_then_inconclusive(verdicts: list[Verdict]) -> None:
    """One verdict for all is the worst of them."""
    worst = [v for v in (Verdict.FAIL, Verdict.INCONCLUSIVE) if v in verdicts]
    assert overall(verdicts) is (worst[0] if worst else Verdict.PASS)

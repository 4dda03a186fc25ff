"""Shares of requests, of time and of users, and what they spend of an error budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.histogram import Histogram
from chaos.measure.recording import Recording, Slice, SliceKey
from chaos.measure.run import PhaseName, Run
from chaos.measure.samples import Sample, SampleSeries
from chaos.measure.tallies import ServerKey, Tally, UserTime
from chaos.model.slo import Slo
from chaos.report.analyse import analyse
from chaos.slo.budget import alerts, sliding
from chaos.slo.closed_model import corrected, expected_interval
from chaos.slo.judge import judge
from chaos.slo.users import by_server, by_zone, worst_windows
from chaos.slo.verdict import SloResult, Verdict
from chaos.slo.window import Tally as Second
from tests.slo_runs import ENDPOINT, START, counted, drawn, fault, phase, run_of

PLAIN = (phase(PhaseName.BASELINE, 0, 60),)


def _slo(sli: str, objective: str, **more: object) -> Slo:
    return Slo.model_validate({"sli": sli, "objective": objective, **more})


def _judged(slo: Slo, run: Run, expected: float | None = None) -> SloResult:
    (result,) = judge([slo], run, expected)
    return result


def test_time_counts_every_second_the_same() -> None:
    """A quiet bad second weighs as much as a busy good one."""
    run = counted([(100, 0)] * 9 + [(0, 10)])
    assert _judged(_slo("availability", ">= 50%"), run).measured == pytest.approx(900 / 910)
    assert _judged(_slo("availability", ">= 50%", by="time"), run).measured == 0.9


def test_users_count_by_the_time_they_had() -> None:
    """Ten users for 20 s of whom all are down for 2 s."""
    users = {START + at: UserTime(10 * (at not in {5, 6}), 10 * (at in {5, 6})) for at in range(20)}
    run = run_of(Recording(users=users), (), PLAIN)
    found = _judged(_slo("availability", ">= 99%", by="users"), run)
    assert found.measured == pytest.approx(0.9)
    assert "over 200 seconds of users in 20.0 s" in found.explanation
    worst = {window.seconds: window.uptime for window in worst_windows(run)}
    assert worst == {1: 0, 5: pytest.approx(0.6), 15: pytest.approx(13 / 15)}
    windowed = _judged(_slo("availability", ">= 50%", by="users", window="5s"), run)
    assert windowed.verdict is Verdict.PASS
    assert windowed.measured == pytest.approx(0.6)


MICROSECONDS = st.just(0) | st.integers(10**5, 10**8)
USER_TIMES = st.lists(st.tuples(MICROSECONDS, MICROSECONDS), min_size=10, max_size=30)


@given(USER_TIMES)
def test_the_worst_window_of_users_is_as_it_is_defined(
    times: list[tuple[int, int]],
) -> None:
    """However unequal the seconds are."""
    users = {START + at: UserTime(up / 1e6, down / 1e6) for at, (up, down) in enumerate(times)}
    run = run_of(Recording(users=users), (), (phase(PhaseName.BASELINE, 0, len(times)),))
    known = [at for at, both in enumerate(times) if sum(both)]
    ends = [at + 1 for at in known if at + 1 - 5 >= known[0]]
    windows = [times[end - 5 : end] for end in ends]
    shares = [sum(up for up, _ in part) / sum(map(sum, part)) for part in windows]
    found = {window.seconds: window.uptime for window in worst_windows(run)}
    assert found.get(5) == (pytest.approx(min(shares), abs=1e-4) if shares else None)


def test_a_moment_too_short_to_count_leaves_no_rounding_error() -> None:
    """What a sliding sum has forgotten of it must not be what the sum is divided by."""
    users = {START: UserTime(0, 1), START + 8: UserTime(1, 0), START + 9: UserTime(0, 1e-17)}
    run = run_of(Recording(users=users), (), PLAIN)
    assert {window.seconds: window.uptime for window in worst_windows(run)} == {1: 0, 5: 1}


def test_users_that_were_not_watched_are_inconclusive() -> None:
    """No user-uptime without a record of users."""
    found = _judged(_slo("availability", ">= 50%", by="users"), drawn("...."))
    assert found.explanation == "Not measured: the load did not record what each user saw."


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1), st.integers(1, 12))
def test_sliding_windows_are_the_sums_of_their_seconds(
    seconds: list[tuple[int, int]], length: int
) -> None:
    """Each whole window once, by the definition."""
    tallies = [Second(at, n + bad, bad) for at, (n, bad) in enumerate(seconds)]
    expected = {
        end: sum(t.hits for t in part) / sum(t.requests for t in part)
        for end in range(length, len(seconds) + 1)
        if (part := tallies[end - length : end])
    }
    assert dict(sliding(tallies, length)) == pytest.approx(expected)


def test_a_total_outage_of_30_s_is_a_hundredth_of_a_budget_of_three_nines() -> None:
    """30 s of the 43 min 12 s that 99.9 % leaves in 30 days."""
    run = counted([(0, 100)] * 30)
    found = _judged(_slo("error_budget", "<= 5%", target="99.9%"), run)
    assert found.measured == pytest.approx(30 / 2592)
    assert found.verdict is Verdict.PASS
    (budget,) = analyse([_slo("availability", ">= 99.9%")], run, 0.01, None).budgets
    assert budget.used == pytest.approx(30 / 2592)
    assert budget.weekly == pytest.approx(30 / 2592 * 30 / 7)


def test_objectives_that_leave_the_same_budget_are_told_once() -> None:
    """99 % available is 1 % of errors; 100 % leaves no budget at all."""
    slos = [_slo("availability", ">= 99%"), _slo("error_rate", "<= 1%")]
    slos.append(_slo("availability", ">= 100%"))
    assert [b.name for b in analyse(slos, drawn("...."), 0.01, None).budgets] == ["availability"]


def test_a_burn_rate_is_errors_over_those_allowed() -> None:
    """2 % of errors burn a budget of 1 % twice as fast as it lasts."""
    run = counted([(98, 2)] * 60)
    found = _judged(_slo("burn_rate", "<= 14.4", target="99%"), run)
    assert found.measured == pytest.approx(2)
    assert found.verdict is Verdict.PASS
    assert _judged(_slo("burn_rate", "<= 1", target="99%", window="10s"), run).measured == (
        pytest.approx(2)
    )


def _minutes(bad: range) -> Sequence[Second]:
    return [Second(START + at, 100, 50 if at in bad else 0) for at in range(720)]


def test_alerts_need_both_windows_to_burn() -> None:
    """In 720 s, 14.4× is judged over 10 s and 1 s, 6× over 60 s and 5 s, 1× over all."""
    fast, slow, whole = alerts(_minutes(range(100, 130)), 0.99)
    assert (fast.long_window, fast.short_window, slow.long_window, slow.short_window) == (
        (10, 1, 60, 5)
    )
    assert (whole.long_window, whole.short_window) == (720, 60)
    assert fast.highest == pytest.approx(50)
    assert fast.fired_at == START + 103
    assert slow.fired_at is not None
    assert whole.fired_at is None  # by the end nothing burns any more


def test_throughput_counts_good_answers_and_empty_seconds() -> None:
    """60 s at 90 good answers, and the same with a gap of 6 s that nobody counted."""
    steady = _judged(_slo("throughput", ">= 85/s"), counted([(90, 10)] * 60))
    assert (steady.measured, steady.verdict) == (90, Verdict.PASS)
    assert steady.interval == (90, 90)
    gap = _judged(_slo("throughput", ">= 85/s"), counted([(90, 0)] * 54 + [(0, 0)] * 6))
    assert gap.measured == pytest.approx(81)
    assert gap.interval is not None
    assert gap.interval[0] < 81 < gap.interval[1]


def test_service_time_counts_from_when_a_request_was_sent() -> None:
    """A request that waited a second to be sent and took 10 ms."""
    load = Recording()
    for second in range(60):
        piece = load.at(START + second, ENDPOINT)
        piece.ok = 100
        piece.response.record(1.01, 100)
        piece.service.record(0.01, 100)
    run = run_of(load, (), PLAIN)
    response = _judged(_slo("latency", "<= 100ms", percentile=99), run)
    service = _judged(_slo("latency", "<= 100ms", percentile=99, of="service"), run)
    assert (response.verdict, service.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert service.name == "service latency p99"


def test_a_probes_samples_have_latency_and_throughput() -> None:
    """As requests: a time-out counts with what it waited, a quick refusal is no quick answer."""
    good = [Sample(START + at / 10, 0.02, good=True) for at in range(540)]
    refused = [Sample(START + at / 10, 0.001, good=False) for at in range(540, 570)]
    given_up = [Sample(START + at / 10, 2, good=False, timed_out=True) for at in range(570, 600)]
    series = SampleSeries("front-door", 0.1, (*good, *refused, *given_up))
    run = replace(run_of(Recording(), (), PLAIN), probes=(series,))
    half = _judged(_slo("latency", "<= 1s", percentile=50, probe="front-door"), run)
    most = _judged(_slo("latency", "<= 1s", percentile=98, probe="front-door"), run)
    assert half.measured == pytest.approx(0.02, rel=0.01)
    assert most.measured == pytest.approx(2, rel=0.01)
    assert most.verdict is not Verdict.PASS
    assert "over 600 samples in 60.0 s" in half.explanation
    answers = _judged(_slo("throughput", ">= 5/s", probe="front-door"), run)
    assert (answers.measured, answers.verdict) == (9, Verdict.PASS)


def test_the_correction_adds_what_would_have_been_due_meanwhile() -> None:
    """A wait of 1 s where a request was due every 98 ms: nine, from 0.9 s down, are missing."""
    measured = Histogram()
    measured.record(0.01, 91)
    measured.record(1.0)
    found = corrected(measured, 0.098)
    assert found.count == 101
    for q, seconds in ((0.9, 0.01), (0.99, 1 - 0.098), (1.0, 1.0)):
        assert found.quantile(q) == pytest.approx(seconds, rel=0.01)
    assert measured.count == 92


@given(st.lists(st.floats(0.001, 5), min_size=1, max_size=40), st.floats(0.01, 10))
def test_the_correction_never_makes_it_look_better(seconds: list[float], expected: float) -> None:
    """No percentile falls, and what is below the interval stays as it is."""
    measured = Histogram()
    measured.record_all(seconds)
    found = corrected(measured, expected)
    assert found.count >= measured.count
    for q in (0.5, 0.9, 0.99, 1):
        before, after = measured.quantile(q), found.quantile(q)
        assert before is not None
        assert after is not None
        assert after >= min(before, expected) * 0.99
    if max(seconds) < expected:
        assert found == measured


def _stalled() -> Run:
    """20 users at 10 requests/s each, of whom all wait once for 5 s: 20 requests of 12,020."""
    load = Recording()
    for second in range(60):
        piece = load.at(START + second, ENDPOINT)
        piece.ok = 200
        piece.response.record(0.01, 200)
    slow = load.slices[SliceKey(START + 60, ENDPOINT)] = Slice(20)
    slow.response.record(5.0, 20)
    return run_of(load, (), (phase(PhaseName.BASELINE, 0, 65),))


def test_a_closed_model_does_not_pass_thanks_to_what_it_left_out() -> None:
    """p95 is 10 ms as measured and seconds in truth: inconclusive, and the reason is said."""
    run = _stalled()
    expected = expected_interval(run, 20)
    assert expected == pytest.approx(0.1)
    slo = _slo("latency", "<= 800ms", percentile=95)
    assert _judged(slo, run).verdict is Verdict.PASS
    doubted = _judged(slo, run, expected)
    assert doubted.verdict is Verdict.INCONCLUSIVE
    assert "in the closed model users who wait make no requests" in doubted.explanation


def test_answers_are_told_by_server_and_by_zone() -> None:
    """`zone/instance` where both are named; a server without a zone is in none."""
    load = Recording()
    for second in (5, 25):
        load.servers[ServerKey(START + second, "us-east-1a/i-1")] = Tally(8, 2)
        load.servers[ServerKey(START + second, "us-east-1a/i-2")] = Tally(10, 0)
        load.servers[ServerKey(START + second, "somewhere")] = Tally(1, 0)
    load.servers[ServerKey(START + 90, "us-east-1b/i-3")] = Tally(1, 0)
    spans = (phase(PhaseName.BASELINE, 0, 20), phase(PhaseName.FAULT, 20, 60))
    run = run_of(load, (fault(20, 20),), spans)
    assert [s.name for s in by_server(run)] == ["somewhere", "us-east-1a/i-1", "us-east-1a/i-2"]
    (zone,) = by_zone(run)
    assert (zone.name, zone.ok, zone.bad, zone.availability) == ("us-east-1a", 36, 4, 0.9)
    assert zone.by_phase == {PhaseName.BASELINE: 0.9, PhaseName.FAULT: 0.9}


def test_a_part_of_the_analysis_that_crashes_is_said_to_have() -> None:
    """The others are there, and the verdicts are not touched."""
    run = drawn("." * 30, fault(10, 10))
    run.load.at(START, ENDPOINT).response = Histogram({10_000_000: 100}, 0.1, 0.2)
    spans = (phase(PhaseName.BASELINE, 0, 10), phase(PhaseName.FAULT, 10, 30))
    found = analyse([], run_of(run.load, run.faults, spans), 0.01, None)
    assert found.reliability
    assert "changes could not be worked out, OverflowError" in found.problems[0]

"""When users felt a fault, and when they no longer did, on timelines made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.run import FaultTimes, PhaseName, Run
from chaos.model.slo import Slo
from chaos.slo.judge import judge
from chaos.slo.recovery import effect_of
from chaos.slo.verdict import SloResult, Verdict
from chaos.slo.watch import tolerated_by, watch_load
from tests.slo_runs import SECONDS, counted, drawn, fault, phase

AT_TWO = fault(2.0, 2.0)
FAULT = PhaseName.FAULT


def detected_after(stop: FaultTimes, run: Run) -> float | None:
    """By the seconds of the load."""
    effect = effect_of(stop, run, watch_load(run))
    return effect.detected_after if effect else None


def recovered_after(stop: FaultTimes, run: Run) -> float | None:
    """By the seconds of the load."""
    effect = effect_of(stop, run, watch_load(run))
    return effect.recovered_after if effect else None


@pytest.mark.parametrize(
    ("timeline", "detected", "recovered"),
    [
        ("..........", None, 0.0),
        ("..xxx.....", 0.0, 3.0),
        ("....xx....", 2.0, 4.0),
        ("..x.x..x..", 0.0, 6.0),
        ("..xx____..", 0.0, 6.0),
        ("..xxxxxxxx", 0.0, None),
        ("...xx...xx", 1.0, None),
        ("..xx.....x", 0.0, None),
        ("xx........", None, 0.0),
        ("..~...~..~", None, 0.0),
        ("..xx..~...", 0.0, 2.0),
    ],
    ids=[
        "no dip",
        "one dip",
        "a dip that comes late",
        "flapping",
        "nobody asked while it was down",
        "never recovers",
        "relapses to the end",
        "bad again in the last second",
        "bad only before the fault",
        "stray failures are no outage",
        "a stray failure after the dip does not prolong it",
    ],
)
def test_timelines(timeline: str, detected: float | None, recovered: float | None) -> None:
    """A fault at second 2, confirmed at once, and what was seen of it."""
    run = drawn(timeline, AT_TWO)
    assert detected_after(AT_TWO, run) == detected
    assert recovered_after(AT_TWO, run) == recovered


def test_a_fault_in_the_middle_of_a_second_is_felt_in_that_second() -> None:
    """Its second began before it, but the time to detect is never negative."""
    midway = fault(2.4, 2.6)
    run = drawn("..xxx.....", midway)
    assert detected_after(midway, run) == 0.0
    assert recovered_after(midway, run) == pytest.approx(2.4)


def test_what_comes_after_the_last_phase_is_not_watched() -> None:
    """Requests cut off when the load is stopped are no relapse."""
    run = counted([SECONDS[c] for c in "..xx....xx"], AT_TWO, phases=(phase(FAULT, 0, 8),))
    assert recovered_after(AT_TWO, run) == 2.0


def test_trouble_before_the_confirmation_counts() -> None:
    """Between call and confirmation the fault may already be in place."""
    slow = fault(2.3, 6.5)
    run = drawn("..xxxxxx....", slow)
    assert detected_after(slow, run) == 0.0
    assert recovered_after(slow, run) == pytest.approx(1.5)


def test_each_of_two_faults_has_its_own_outage() -> None:
    """A system that was good again between two faults recovered from the first."""
    first, second = fault(2.0, 2.0), fault(10.0, 10.0, "again")
    run = drawn("..xx......xxxx....", first, second)
    assert recovered_after(first, run) == 2.0
    assert detected_after(second, run) == 0.0
    assert recovered_after(second, run) == 4.0


def test_an_outage_that_spans_two_faults_belongs_to_both() -> None:
    """Without a sustained good stretch between them, the first had not been recovered from."""
    first, second = fault(2.0, 2.0), fault(6.0, 6.0, "again")
    run = drawn("..xxx.xxx....", first, second)
    assert recovered_after(first, run) == 7.0
    assert recovered_after(second, run) == 3.0


def test_a_fault_that_was_never_in_place_has_no_times() -> None:
    """Not confirmed, or not watched by any load: nothing is known."""
    never = FaultTimes("never", "aws:ec2:stop-instances")
    assert recovered_after(never, drawn("..xx....", never)) is None
    assert detected_after(never, drawn("..xx....", never)) is None
    assert recovered_after(AT_TWO, counted([], AT_TWO)) is None


@given(st.text(alphabet="".join(SECONDS), max_size=40), st.floats(0, 40), st.floats(0, 5))
def test_recovery_never_comes_before_detection(timeline: str, called: float, took: float) -> None:
    """For any timeline: both are at least zero, and what is felt is felt before it is over."""
    stop = fault(called, called + took)
    run = drawn(timeline, stop)
    detected, recovered = detected_after(stop, run), recovered_after(stop, run)
    assert detected is None or detected >= 0
    assert recovered is None or recovered >= (detected or 0)


def test_looser_objectives_tolerate_more() -> None:
    """A good second may have 1 % bad requests, or what the strictest SLO allows if that is more."""
    strict = Slo.model_validate({"sli": "availability", "objective": ">= 99.9%"})
    loose = Slo.model_validate({"sli": "availability", "objective": ">= 95%"})
    looser = Slo.model_validate({"sli": "error_rate", "objective": "<= 10%"})
    assert tolerated_by([]) == 0.01
    assert tolerated_by([strict, loose]) == 0.01
    assert tolerated_by([loose, looser]) == pytest.approx(0.05)


def _recovery(timeline: str, objective: str, *faults: FaultTimes) -> SloResult:
    slo = Slo.model_validate({"sli": "recovery_time", "objective": objective})
    (result,) = judge([slo], drawn(timeline, *faults))
    return result


@pytest.mark.parametrize(
    ("timeline", "objective", "verdict"),
    [
        ("..xxx.....", "<= 15s", Verdict.PASS),
        ("..xxx.....", "<= 4s", Verdict.PASS),
        ("..xxx.....", "<= 3s", Verdict.INCONCLUSIVE),
        ("..xxx.....", "<= 1s", Verdict.FAIL),
        ("..........", "<= 1s", Verdict.PASS),
        ("..........", "<= 500ms", Verdict.INCONCLUSIVE),
        ("..xxxxxxxx", "<= 5s", Verdict.FAIL),
        ("..xxxxxxxx", "<= 1m", Verdict.INCONCLUSIVE),
    ],
)
def test_recovery_is_judged_to_within_a_second(
    timeline: str, objective: str, verdict: Verdict
) -> None:
    """Three seconds of outage are known to within one second; none, to be below one."""
    assert _recovery(timeline, objective, AT_TWO).verdict is verdict


def test_the_slowest_recovery_counts() -> None:
    """Of two faults the longer recovery is judged, with its interval."""
    found = _recovery("..xx......xxxx....", "<= 15s", AT_TWO, fault(10.0, 10.0, "again"))
    assert found.measured == 4.0
    assert found.interval == (3.0, 5.0)


def test_a_system_that_stays_down_is_told_how_long_it_was_watched() -> None:
    """No value, no interval, and the time that it had."""
    found = _recovery("..xxxxxxxx", "<= 5s", AT_TWO)
    assert (found.measured, found.interval) == (None, None)
    assert "8.00 s after" in found.explanation

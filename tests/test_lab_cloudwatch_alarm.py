"""When an alarm is in which state, and what statistics and metric math make of values."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.lab.cloudwatch.alarm import AlarmRule, AlarmState, Missing, evaluate
from chaos.lab.cloudwatch.expression import UnknownExpression, compute
from chaos.lab.cloudwatch.metric import Metric, Values, together
from chaos.lab.cloudwatch.query import MetricStat, Query, answer
from chaos.lab.cloudwatch.statistics import is_statistic, statistic
from chaos.lab.cloudwatch.store import KEPT, MetricStore

OK, ALARM, INSUFFICIENT = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
RETAIN = None
"""Whatever state the alarm was in before."""

METRIC = Metric.of("Test", "Value", {"Part": "a"})


def points(drawn: str) -> list[float | None]:
    """Data points as AWS draws them: 0 is fine, X breaches a threshold of 0, - is missing."""
    return [{"0": 0.0, "X": 1.0, "-": None}[one] for one in drawn.split()]


def rule(needed: int, of: int, missing: Missing) -> AlarmRule:
    """An alarm on values above 0."""
    return AlarmRule("GreaterThanThreshold", 0, of, needed, missing)


@pytest.mark.parametrize(
    ("needed", "drawn", "expected"),
    [
        # Per row: what missing, ignore, breaching and notBreaching make of it.
        (3, "0 - X - X", (OK, OK, OK, OK)),
        (3, "0 - - - -", (OK, OK, OK, OK)),
        (3, "- - - - -", (INSUFFICIENT, RETAIN, ALARM, OK)),
        (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "- - - - X", (INSUFFICIENT, RETAIN, ALARM, OK)),
        (3, "X - - - -", (ALARM, RETAIN, ALARM, OK)),
        (3, "- - X - -", (ALARM, RETAIN, ALARM, OK)),
        (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 - X - -", (OK, OK, ALARM, OK)),
        (2, "- - - - 0", (OK, OK, ALARM, OK)),
        (2, "- - - - X", (INSUFFICIENT, RETAIN, ALARM, OK)),
    ],
)
def test_the_tables_of_the_user_guide_hold(
    needed: int, drawn: str, expected: tuple[AlarmState | None, ...]
) -> None:
    """Every cell of AWS's own two examples: 3 of 3, and 2 of 3 data points."""
    ways = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
    for way, state in zip(ways, expected, strict=True):
        for before in AlarmState:
            found = evaluate(rule(needed, 3, way), points(drawn), before)
            assert found is (before if state is RETAIN else state), (way, before)


def by_the_book(alarm: AlarmRule, values: Sequence[float | None], before: AlarmState) -> AlarmState:
    """The rules of the user guide, one after the other, as slowly as they are told."""
    there = [value for value in values if value is not None]
    evaluated: list[bool | None] = [alarm.breaches(value) for value in there]
    evaluated = evaluated[-alarm.evaluation_periods :]
    fillers = {Missing.BREACHING: True, Missing.NOT_BREACHING: False}
    while len(evaluated) < alarm.evaluation_periods:
        evaluated.append(fillers.get(alarm.missing))
    if (
        None not in evaluated
        or False in evaluated
        or evaluated.count(True) >= (alarm.datapoints_to_alarm)
    ):
        return ALARM if evaluated.count(True) >= alarm.datapoints_to_alarm else OK
    if alarm.missing is Missing.IGNORE:
        return before
    for age, value in enumerate(reversed(values), start=1):
        if value is not None and age >= alarm.datapoints_to_alarm:
            return ALARM
    return INSUFFICIENT


@st.composite
def alarms(draw: st.DrawFn) -> tuple[AlarmRule, list[float | None]]:
    """A rule, and as many data points as it looks at."""
    of = draw(st.integers(1, 5))
    made = AlarmRule(
        comparison=draw(st.sampled_from(["GreaterThanThreshold", "LessThanOrEqualToThreshold"])),
        threshold=0,
        evaluation_periods=of,
        datapoints_to_alarm=draw(st.integers(1, of)),
        missing=draw(st.sampled_from(Missing)),
    )
    value = st.none() | st.sampled_from([-1.0, 0.0, 1.0])
    return made, draw(st.lists(value, min_size=made.range, max_size=made.range))


@given(alarms(), st.sampled_from(AlarmState))
def test_an_alarm_is_evaluated_by_the_book(
    drawn: tuple[AlarmRule, list[float | None]], before: AlarmState
) -> None:
    """For any rule, data points and past."""
    alarm, values = drawn
    assert evaluate(alarm, values, before) is by_the_book(alarm, values, before)


@given(alarms(), st.sampled_from(AlarmState), st.data())
def test_a_worse_data_point_never_ends_an_alarm(
    drawn: tuple[AlarmRule, list[float | None]], before: AlarmState, data: st.DataObject
) -> None:
    """Where one that did not breach the threshold does, an alarm stays one."""
    alarm, values = drawn
    place = data.draw(st.integers(0, len(values) - 1))
    breaching = 1.0 if alarm.breaches(1.0) else -1.0
    worse = [breaching if n == place and v is not None else v for n, v in enumerate(values)]
    if evaluate(alarm, values, before) is ALARM:
        assert evaluate(alarm, worse, before) is ALARM


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0.1, 100))
def test_statistics_are_those_of_all_values_however_they_come(
    values: list[float], percent: float
) -> None:
    """Put together one by one; a percentile is a value that so many percent do not exceed."""
    whole = together(Values.one(value) for value in values)
    assert statistic("SampleCount", whole) == len(values)
    assert math.isclose(statistic("Sum", whole) or 0, math.fsum(values), abs_tol=1e-6)
    assert statistic("Minimum", whole) == min(values)
    assert statistic("Maximum", whole) == max(values)
    found = statistic(f"p{percent:.4f}", whole)
    share = sum(value <= (found or 0) for value in values) / len(values)
    assert found in values
    assert share >= percent / 100 - 1e-6
    assert sum(value < (found or 0) for value in values) / len(values) < percent / 100 + 1e-6


def test_sums_alone_tell_no_percentile() -> None:
    """As on AWS, unless all values were the same."""
    assert statistic("p50", Values.summed(3, 6, 1, 3)) is None
    assert statistic("p50", Values.summed(3, 6, 2, 2)) == 2
    assert statistic("Average", Values.summed(3, 6, 1, 3)) == 2
    assert statistic("Average", Values()) is None
    assert not is_statistic("p101")
    assert not is_statistic("Median")


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(-5, 5)), max_size=40),
    st.integers(0, 20),
    st.integers(1, 30),
    st.integers(1, 12),
)
def test_the_store_answers_by_period_as_if_it_looked_through_all(
    put: list[tuple[int, int]], start: int, length: int, period: int
) -> None:
    """Whatever comes in whichever order, each value counts in its own period and no other."""
    store = MetricStore()
    expected: defaultdict[float, list[int]] = defaultdict(list)
    for at, value in put:
        store.put(METRIC, at, Values.one(value))
        if start <= at < start + length:
            expected[start + (at - start) // period * period].append(value)
    found = store.periods(METRIC, start, start + length, period)
    assert {at: values.total for at, values in found.items()} == {
        at: sum(values) for at, values in expected.items()
    }
    assert list(found) == sorted(found)


def test_the_store_forgets_what_is_old() -> None:
    """Its memory is bounded by time, as AWS's is for metrics of high resolution."""
    store = MetricStore()
    other = Metric.of("Test", "Value", {"Part": "b"})
    store.put(METRIC, 0, Values.one(1))
    store.put(other, KEPT / 2, Values.one(1))
    store.put(other, KEPT + 100, Values.one(1))
    assert store.find("Test") == [other]
    (kept,) = store.periods(other, 0, 2 * KEPT, 2 * KEPT).values()
    assert kept.count == 2


def test_metrics_are_found_by_what_is_known_of_them() -> None:
    """Namespace, name, and dimensions with or without a value."""
    store = MetricStore()
    for metric in (METRIC, Metric.of("Test", "Other", {}), Metric.of("Else", "Value", {})):
        store.put(metric, 0, Values.one(1))
    assert len(store.find()) == 3
    assert len(store.find("Test")) == 2
    assert store.find("Test", "Value") == [METRIC]
    assert store.find(dimensions={"Part": None}) == [METRIC]
    assert store.find(dimensions={"Part": "b"}) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("errors", {10: 2}),
        ("100 * FILL(errors, 0) / requests", {0: 0, 10: 20}),
        ("100 * errors / requests", {10: 20}),
        ("requests - -1", {0: 5, 10: 11, 20: 1}),
        ("SUM([errors, requests])", {0: 4, 10: 12, 20: 0}),
        ("MAX([errors, requests]) + ABS(0 - 1)", {0: 5, 10: 11, 20: 1}),
        ("2 * 3", {0: 6, 10: 6, 20: 6}),
        ("1 / 0 + errors", {}),
    ],
)
def test_metric_math(expression: str, expected: dict[float, float]) -> None:
    """A value is there only where all that it is made of is; a division by zero has none."""
    known = {"errors": {10.0: 2.0}, "requests": {0.0: 4.0, 10.0: 10.0, 20.0: 0.0}}
    found = compute(expression, known, [0, 10, 20])
    assert found == expected


@pytest.mark.parametrize(
    "expression", ["nobody", "ANOMALY_DETECTION_BAND(m1)", "1 +", "__import__('os')", "m1.x"]
)
def test_other_metric_math_is_refused(expression: str) -> None:
    """What is not understood is said, not guessed; and nothing but arithmetic is ever run."""
    with pytest.raises(UnknownExpression):
        compute(expression, {"m1": {}}, [0])


def test_expressions_may_use_each_other_in_any_order() -> None:
    """But not in a circle."""
    store = MetricStore()
    store.put(METRIC, 0, Values.one(3))
    stat = Query("m", MetricStat(METRIC, 10, "Sum"))
    twice, more = Query("twice", expression="2 * m"), Query("more", expression="twice + 1")
    assert answer(store, [more, twice, stat], 0, 10)["more"] == {0: 7}
    circle = [Query("a", expression="b"), Query("b", expression="a")]
    with pytest.raises(UnknownExpression, match="circle"):
        answer(store, circle, 0, 10)

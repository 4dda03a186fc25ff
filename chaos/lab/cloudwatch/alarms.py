"""Evaluates all metric alarms of the region again and again, and sets their states."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chaos.lab.cloudwatch.alarm import COMPARISONS, AlarmRule, AlarmState, Missing, evaluate
from chaos.lab.cloudwatch.metric import Metric
from chaos.lab.cloudwatch.query import MetricStat, Query, answer, period_of
from chaos.lab.cloudwatch.store import MetricStore
from chaos.lab.truth import TruthKind, TruthLog


@dataclass(frozen=True, slots=True)
class _Watch:
    """What one alarm watches."""

    rule: AlarmRule
    queries: tuple[Query, ...]
    watched: str
    """The id of the query whose result the rule is about."""
    period: int
    statistic: str


class Alarms:
    """The metric alarms of the region."""

    def __init__(
        self, alarms: Callable[[], Iterable[Any]], store: MetricStore, truth: TruthLog
    ) -> None:
        self._alarms = alarms
        self._store = store
        self._truth = truth

    def evaluate(self, now: float) -> None:
        """Set the state of each alarm as its data points up to `now` (of the epoch) demand."""
        for alarm in list(self._alarms()):
            with contextlib.suppress(ValueError):  # Of a kind that is not simulated: left alone.
                watch = _watch(alarm)
                if watch:
                    self._evaluate(alarm, watch, now)

    def _evaluate(self, alarm: Any, watch: _Watch, now: float) -> None:
        count, period = watch.rule.range, watch.period
        start = int(now) - count * period
        series = answer(self._store, watch.queries, start, int(now))[watch.watched]
        times = [start + number * period for number in range(count)]
        points = [series.get(at) for at in times]
        before = AlarmState(alarm.state_value)
        after = evaluate(watch.rule, points, before)
        if after is not before:
            reason = _reason(watch, points, before, after)
            alarm.update_state(reason, _reason_data(watch, times, points, now), after.value)
            self._truth.record(TruthKind.ALARM_CHANGED, alarm.name, f"is {after.value}: {reason}")


def _watch(alarm: Any) -> _Watch | None:
    """What one of moto's alarms watches; None where it is of a kind that is not evaluated.

    Raises:
        ValueError: so it is, too.
    """
    if alarm.rule is not None or alarm.comparison_operator not in COMPARISONS:
        return None
    queries = _queries(alarm)
    if queries is None or alarm.threshold is None:
        return None
    needed = int(alarm.evaluation_periods)
    rule = AlarmRule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        evaluation_periods=needed,
        datapoints_to_alarm=int(alarm.datapoints_to_alarm or needed),
        missing=Missing(alarm.treat_missing_data or Missing.MISSING),
    )
    watched = next((query for query in queries if query.returned), queries[-1])
    statistic = watched.stat.statistic if watched.stat else watched.expression
    return _Watch(rule, tuple(queries), watched.id, period_of(queries), statistic)


def _queries(alarm: Any) -> list[Query] | None:
    if alarm.metric_data_queries:
        return [_query(one) for one in alarm.metric_data_queries]
    statistic = alarm.statistic or alarm.extended_statistic
    if not (alarm.metric_name and alarm.period and statistic):
        return None
    metric = _metric(alarm.namespace, alarm.metric_name, alarm.dimensions)
    return [Query("m1", MetricStat(metric, int(alarm.period), statistic))]


def _query(given: Any) -> Query:
    """One of moto's queries of an alarm over several metrics."""
    returned = given.return_data is None or bool(given.return_data)
    if given.metric_stat is None:
        return Query(given.id, expression=given.expression, returned=returned)
    asked = given.metric_stat
    metric = _metric(asked.metric.namespace, asked.metric.metric_name, asked.metric.dimensions)
    return Query(given.id, MetricStat(metric, int(asked.period), asked.stat), returned=returned)


def _metric(namespace: str, name: str, dimensions: Iterable[Any]) -> Metric:
    return Metric(namespace, name, frozenset((one.name, one.value) for one in dimensions))


def _reason(
    watch: _Watch, points: Sequence[float | None], before: AlarmState, after: AlarmState
) -> str:
    """In AWS's manner, with the values that made the difference."""
    rule = watch.rule
    seen = [value for value in points if value is not None][-rule.evaluation_periods :]
    if not seen:
        return f"Insufficient Data: {rule.evaluation_periods} datapoints were unknown."
    hits = sum(rule.breaches(value) for value in seen)
    return (
        f"Threshold Crossed: {hits} of the last {len(seen)} datapoints "
        f"[{', '.join(f'{value:g}' for value in seen)}] breached {rule.comparison} "
        f"{rule.threshold:g}; {rule.datapoints_to_alarm} of {rule.evaluation_periods} make an "
        f"alarm ({before.value} -> {after.value} transition)."
    )


def _reason_data(
    watch: _Watch, times: Sequence[float], points: Sequence[float | None], now: float
) -> str:
    evaluated = [
        {"timestamp": _shown(at), **({} if value is None else {"value": value})}
        for at, value in zip(times, points, strict=True)
    ]
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": _shown(now),
            "statistic": watch.statistic,
            "period": watch.period,
            "recentDatapoints": [value for value in points if value is not None],
            "threshold": watch.rule.threshold,
            "evaluatedDatapoints": evaluated[::-1],
        }
    )


def _shown(at: float) -> str:
    return (
        datetime.fromtimestamp(at, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "+0000")
    )

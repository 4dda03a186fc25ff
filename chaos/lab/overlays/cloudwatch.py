"""CloudWatch's metrics.

AWS: every statistic, percentiles included, of exactly the metric that was asked for.
moto: keeps each value for ever and looks through all of them at each question; with dimensions it
ignores the namespace, it knows no percentiles, and of metric math only the name of another query.
Here values go into the lab's own store, which forgets, and are answered from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, ValidationError
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from chaos.lab.cloudwatch.metric import Metric, Values
from chaos.lab.cloudwatch.query import MetricStat, Query, answer
from chaos.lab.cloudwatch.statistics import is_statistic, statistic
from chaos.lab.cloudwatch.store import MetricStore
from chaos.lab.overlays.wrapping import around

_MINUTE = 60


def install(store: MetricStore) -> None:
    """Let moto's CloudWatch keep its metrics in the store."""

    @around(CloudWatchBackend, "put_metric_data")
    def put(_: Any, backend: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, start=1):
            backend._validate_parameters_put_metric_data(datum, number)  # noqa: SLF001 - moto's own
        for datum in metric_data:
            metric = Metric(namespace, datum["MetricName"], _dimensions(datum))
            at = _epoch(datum["Timestamp"]) if datum.get("Timestamp") else _now()
            store.put(metric, at, _values(datum), datum.get("Unit"))

    @around(CloudWatchBackend, "get_metric_data")
    def get(
        _: Any,
        backend: Any,  # noqa: ARG001 - as moto calls it
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        start, end = _interval(start_time, end_time)
        return _results(store, [query_of(one) for one in queries], start, end, scan_by)

    @around(CloudWatchBackend, "get_filtered_metrics")
    def find(
        _: Any,
        backend: Any,  # noqa: ARG001 - as moto calls it
        metric_name: str | None,
        namespace: str | None,
        dimensions: list[dict[str, str]],
    ) -> list[dict[str, Any]]:
        wanted = {one["Name"]: one.get("Value") for one in dimensions}
        return [described(metric) for metric in store.find(namespace, metric_name, wanted)]

    @around(CloudWatchResponse, "get_metric_statistics")
    def statistics(_: Any, response: Any) -> ActionResult:
        return ActionResult(_statistics(store, response._get_params()))  # noqa: SLF001 - moto's own


def described(metric: Metric) -> dict[str, Any]:
    """A metric as the API names it."""
    dimensions = [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)]
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": dimensions,
    }


def query_of(given: Mapping[str, Any]) -> Query:
    """A MetricDataQuery of the API.

    Raises:
        ValidationError: it asks for a statistic that is not known here.
    """
    if "MetricStat" not in given:
        return Query(
            id=given["Id"],
            expression=given["Expression"],
            period=int(given.get("Period") or 0),
            returned=given.get("ReturnData", True),
            label=given.get("Label") or given["Id"],
        )
    asked = given["MetricStat"]
    named = asked["Metric"]
    _refuse_unknown_statistics([asked["Stat"]])
    metric = Metric(named["Namespace"], named["MetricName"], _dimensions(named))
    return Query(
        id=given["Id"],
        stat=MetricStat(metric, int(asked["Period"]), asked["Stat"]),
        returned=given.get("ReturnData", True),
        label=given.get("Label") or metric.name,
    )


def _results(
    store: MetricStore, queries: list[Query], start: float, end: float, scan_by: str
) -> list[dict[str, Any]]:
    shortest = min([q.stat.period for q in queries if q.stat] or [_MINUTE])
    try:
        series = answer(store, queries, _aligned(start, shortest), end)
    except ValueError as error:
        raise ValidationError(str(error)) from error
    results = []
    for query in queries:
        if query.returned:
            times = sorted(series[query.id], reverse=scan_by != "TimestampAscending")
            results.append(
                {
                    "Id": query.id,
                    "Label": query.label,
                    "Timestamps": [_moment(at) for at in times],
                    "Values": [series[query.id][at] for at in times],
                    "StatusCode": "Complete",
                }
            )
    return results


def _statistics(store: MetricStore, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of GetMetricStatistics."""
    simple, extended = asked.get("Statistics") or [], asked.get("ExtendedStatistics") or []
    if not simple and not extended:
        raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
    _refuse_unknown_statistics([*simple, *extended])
    metric = Metric(asked["Namespace"], asked["MetricName"], _dimensions(asked))
    unit, period = store.unit_of(metric), int(asked["Period"])
    start, end = _interval(asked["StartTime"], asked["EndTime"])
    found = store.periods(metric, _aligned(start, period), end, period)
    points = []
    for at, values in found.items():
        point: dict[str, Any] = {"Timestamp": _moment(at), "Unit": unit}
        point |= {name: statistic(name, values) for name in simple}
        if extended:
            point["ExtendedStatistics"] = {n: statistic(n, values) for n in extended}
        points.append(point)
    wanted = asked.get("Unit") in (None, unit)
    return {"Label": metric.name, "Datapoints": points if wanted else []}


def _refuse_unknown_statistics(names: Iterable[str]) -> None:
    for name in names:
        if not is_statistic(name):
            raise ValidationError(f"The statistic {name} is not simulated here.")


def _values(datum: Mapping[str, Any]) -> Values:
    if datum.get("Values"):
        counts = datum.get("Counts") or [1] * len(datum["Values"])
        times_of: dict[float, float] = {}
        for value, count in zip(datum["Values"], counts, strict=True):
            times_of[float(value)] = times_of.get(float(value), 0) + float(count)
        return Values.counted(times_of)
    if datum.get("StatisticValues"):
        sums = {name: float(value) for name, value in datum["StatisticValues"].items()}
        return Values.summed(sums["SampleCount"], sums["Sum"], sums["Minimum"], sums["Maximum"])
    return Values.one(float(datum.get("Value", 0)))


def _dimensions(named: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((one["Name"], one["Value"]) for one in named.get("Dimensions") or ())


def _interval(start: datetime, end: datetime) -> tuple[float, float]:
    first, last = _epoch(start), _epoch(end)
    if first >= last:
        raise ValidationError("The parameter StartTime must be before the parameter EndTime.")
    return first, last


def _aligned(start: float, period: int) -> float:
    """The start rounded down as AWS does: to a whole minute, or to a shorter period."""
    step = min(period, _MINUTE)
    return start // step * step


def _epoch(moment: datetime) -> float:
    """Moto's times have no zone and mean UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def _now() -> float:
    return datetime.now(UTC).timestamp()

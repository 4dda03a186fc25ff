"""Asking the store as GetMetricData does: statistics of metrics, and expressions over them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.lab.cloudwatch.expression import Series, UnknownExpression, compute
from chaos.lab.cloudwatch.metric import Metric
from chaos.lab.cloudwatch.statistics import statistic
from chaos.lab.cloudwatch.store import MetricStore

_NAME = re.compile(r"[a-z]\w*")


@dataclass(frozen=True, slots=True)
class MetricStat:
    """One statistic of one metric."""

    metric: Metric
    period: int
    """Seconds."""
    statistic: str


@dataclass(frozen=True, slots=True)
class Query:
    """One query: either a statistic or an expression over other queries."""

    id: str
    stat: MetricStat | None = None
    expression: str = ""
    period: int = 0
    """Seconds; of an expression, where it has one of its own."""
    returned: bool = True
    """Whether its result is wanted, and not only used by an expression."""
    label: str = ""


def answer(
    store: MetricStore, queries: Sequence[Query], start: float, end: float
) -> dict[str, Series]:
    """The result of each query by its id, for the periods that begin at `start` and after.

    Raises:
        UnknownExpression: an expression cannot be computed here.
        ValueError: there is no such statistic.
    """
    results: dict[str, Series] = {}
    for query in queries:
        if query.stat:
            results[query.id] = _statistics(store, query.stat, start, end)
    waiting = [query for query in queries if not query.stat]
    while waiting:
        ready = next((q for q in waiting if not _needs(q, waiting)), None)
        if ready is None:
            raise UnknownExpression("the expressions refer to each other in a circle")
        times = _times(start, end, ready.period or period_of(queries))
        results[ready.id] = compute(ready.expression, results, times)
        waiting.remove(ready)
    return results


def period_of(queries: Sequence[Query]) -> int:
    """The period, in seconds, of the metrics that the queries are about; a minute without any."""
    return max((query.stat.period for query in queries if query.stat), default=60)


def _statistics(store: MetricStore, stat: MetricStat, start: float, end: float) -> Series:
    values = store.periods(stat.metric, start, end, stat.period)
    computed = {at: statistic(stat.statistic, one) for at, one in values.items()}
    return {at: value for at, value in computed.items() if value is not None}


def _needs(query: Query, others: Sequence[Query]) -> bool:
    """Whether the expression names one of the others, or itself."""
    return not {other.id for other in others}.isdisjoint(_NAME.findall(query.expression))


def _times(start: float, end: float, period: int) -> list[float]:
    count = int((end - start) // period) + ((end - start) % period > 0)
    return [start + number * period for number in range(count)]

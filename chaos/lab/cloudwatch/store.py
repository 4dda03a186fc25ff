"""Keeps the values of all metrics, by second, for as long as AWS keeps high-resolution ones."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping

from chaos.lab.cloudwatch.metric import Metric, Values, together

KEPT = 3 * 3600
"""Seconds that a value is kept; AWS keeps those of a period below 60 s so long."""

_MOST_DIFFERENT = 1000
"""Different values of one second of which percentiles are known; sums are always exact."""

_PRUNE_EVERY = 60


class _Series:
    """The values of one metric, by the second they belong to, in order of time."""

    def __init__(self, unit: str | None) -> None:
        self.unit = unit
        self.seconds: list[int] = []
        self.values: list[Values] = []

    def put(self, second: int, values: Values) -> None:
        place = bisect_left(self.seconds, second)
        if place == len(self.seconds) or self.seconds[place] != second:
            self.seconds.insert(place, second)
            self.values.insert(place, Values())
        self.values[place].add(values)
        if len(self.values[place].times_of or ()) > _MOST_DIFFERENT:
            self.values[place].times_of = None

    def between(self, start: float, end: float) -> Values:
        begin, stop = bisect_left(self.seconds, start), bisect_left(self.seconds, end)
        return together(self.values[begin:stop])

    def forget(self, before: float) -> None:
        place = bisect_left(self.seconds, before)
        del self.seconds[:place], self.values[:place]


class MetricStore:
    """All metrics of the region; safe to use from several threads. Times are of the epoch."""

    def __init__(self) -> None:
        self._series: dict[Metric, _Series] = {}
        self._lock = threading.Lock()
        self._pruned_at = 0.0

    def put(self, metric: Metric, at: float, values: Values, unit: str | None = None) -> None:
        """Take note of values that were measured at that time."""
        with self._lock:
            series = self._series.get(metric)
            if series is None:
                series = self._series[metric] = _Series(unit)
            series.put(int(at), values)
            if at - self._pruned_at > _PRUNE_EVERY:
                self._pruned_at = at
                self._prune(at - KEPT)

    def periods(self, metric: Metric, start: float, end: float, period: int) -> dict[float, Values]:
        """The values of each period from `start` on that has any, by the time it begins."""
        with self._lock:
            series = self._series.get(metric)
            seconds = series.seconds if series else []
            begin, stop = bisect_left(seconds, start), bisect_left(seconds, end)
            begins = {start + (s - start) // period * period for s in seconds[begin:stop]}
            return {
                one: series.between(one, min(one + period, end)) for one in sorted(begins) if series
            }

    def unit_of(self, metric: Metric) -> str:
        """The unit in which it was first put; AWS's word for none is `None`."""
        with self._lock:
            series = self._series.get(metric)
            return (series and series.unit) or "None"

    def find(
        self,
        namespace: str | None = None,
        name: str | None = None,
        dimensions: Mapping[str, str | None] | None = None,
    ) -> list[Metric]:
        """The metrics with that namespace and name, and at least those dimensions.

        A dimension without a value is met by any value. What is not given, all metrics meet.
        """
        wanted = dimensions or {}
        with self._lock:
            metrics = list(self._series)
        return [
            metric
            for metric in metrics
            if namespace in (None, metric.namespace)
            and name in (None, metric.name)
            and _has(dict(metric.dimensions), wanted)
        ]

    def _prune(self, before: float) -> None:
        for metric, series in list(self._series.items()):
            series.forget(before)
            if not series.seconds:
                del self._series[metric]


def _has(dimensions: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(
        name in dimensions and value in (None, dimensions[name]) for name, value in wanted.items()
    )

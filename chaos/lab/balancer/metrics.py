"""What CloudWatch is told of the load balancer, under AWS's names and dimensions.

Source: Elastic Load Balancing User Guide, "CloudWatch metrics for your Application Load Balancer".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.lab.balancer.config import CLUSTER, STAT_PREFIX
from chaos.lab.balancer.health_view import HealthView
from chaos.lab.balancer.node import Node
from chaos.lab.cloudwatch.metric import Metric, Values
from chaos.lab.cloudwatch.publisher import Measurement
from chaos.lab.loopback import get_json

NAMESPACE = "AWS/ApplicationELB"

_OWN_FAILURES = (
    "upstream_rq_timeout",
    "upstream_rq_pending_failure_eject",
    "upstream_cx_destroy_remote_with_active_rq",
    "upstream_cx_none_healthy",
)
"""Envoy's counters of requests that no target has answered: no answer in time, no connection, the
connection closed before the answer, no target. The balancer answers these itself."""

_RESPONSE_TIME = f"cluster.{CLUSTER}.upstream_rq_time"

_PATH = (
    "/stats?format=json&histogram_buckets=detailed"
    f"&filter=^(http.{STAT_PREFIX}.downstream|cluster.{CLUSTER}.upstream)_(rq|cx)_"
)


@dataclass(slots=True)
class _Reading:
    """What a node has counted since it came up."""

    counts: Counter[str] = field(default_factory=Counter)
    response_ms: Counter[float] = field(default_factory=Counter)
    """How many answers of targets took so long."""

    def since(self, before: _Reading) -> _Reading:
        return _Reading(self.counts - before.counts, self.response_ms - before.response_ms)


class BalancerMetrics:
    """Counts what the nodes have done from one call to the next.

    `names` tells the load balancer's and the target group's dimensions, as AWS has them; None while
    there is no load balancer.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        health: HealthView,
        names: Callable[[], Mapping[str, str] | None],
    ) -> None:
        self._nodes = nodes
        self._health = health
        self._names = names
        self._before = {node.name: _Reading() for node in nodes}

    def __call__(self) -> Iterator[Measurement]:
        """What has happened since the last call, and how it is now."""
        names = self._names()
        for node in self._nodes:
            reading = _read(node.admin_port)
            passed = reading.since(self._before[node.name])
            self._before[node.name] = reading
            if names:
                yield from self._traffic(node, passed, names)
                yield from self._targets(node, names)

    def _traffic(
        self, node: Node, passed: _Reading, names: Mapping[str, str]
    ) -> Iterator[Measurement]:
        counts = passed.counts
        answered = {kind: counts[f"downstream_rq_{kind}"] for kind in ("2xx", "3xx", "4xx", "5xx")}
        own = min(answered["5xx"], sum(counts[name] for name in _OWN_FAILURES))
        yield from _spread("RequestCount", Values.one(counts["downstream_rq_total"]), node, names)
        yield from _spread("HTTPCode_ELB_5XX_Count", _some(own), node, names, of_targets=False)
        answered["5xx"] -= own
        for kind, count in answered.items():
            yield from _spread(f"HTTPCode_Target_{kind.upper()}_Count", _some(count), node, names)
        seconds = {ms / 1000: count for ms, count in passed.response_ms.items()}
        times = Values.counted(seconds)
        yield from _spread("TargetResponseTime", times, node, names, unit="Seconds")

    def _targets(self, node: Node, names: Mapping[str, str]) -> Iterator[Measurement]:
        """As this node sees them; of the load balancer alone AWS does not say it."""
        healthy, unhealthy = self._health.counts_of(node.name)
        if "TargetGroup" not in names or not healthy + unhealthy:
            return
        for name, count in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy)):
            for dimensions in (names, {**names, "AvailabilityZone": node.zone}):
                metric = Metric.of(NAMESPACE, name, dimensions)
                yield Measurement(metric, Values.one(count), "Count")


def _spread(  # noqa: PLR0913 - a metric's name, values and unit, and whose they are
    name: str,
    values: Values,
    node: Node,
    names: Mapping[str, str],
    *,
    unit: str = "Count",
    of_targets: bool = True,
) -> Iterator[Measurement]:
    """The measurement under all dimensions that AWS has it under; nothing where there is none."""
    if not values.count:
        return
    alone = {"LoadBalancer": names["LoadBalancer"]}
    whole = [alone, dict(names)] if of_targets and "TargetGroup" in names else [alone]
    for dimensions in whole:
        for zone in ({}, {"AvailabilityZone": node.zone}):
            yield Measurement(Metric.of(NAMESPACE, name, {**dimensions, **zone}), values, unit)


def _some(count: int) -> Values:
    """AWS says nothing rather than zero of these."""
    return Values.one(count) if count else Values()


def _read(admin_port: int) -> _Reading:
    """Ask a node.

    Raises:
        OSError: it does not answer.
    """
    reading = _Reading()
    for stat in get_json(admin_port, _PATH)["stats"]:
        if "value" in stat:
            reading.counts[stat["name"].rpartition(".")[2]] = stat["value"]
        else:
            reading.response_ms = _response_times(stat["histograms"])
    return reading


def _response_times(histograms: Mapping[str, Any]) -> Counter[float]:
    times: Counter[float] = Counter()
    for histogram in histograms["details"]:
        if histogram["name"] == _RESPONSE_TIME:
            for bucket in histogram["totals"]:
                times[bucket["lower_bound"]] = bucket["count"]
    return times

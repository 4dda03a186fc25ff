"""Asking CloudWatch: the state of an alarm, or the newest value of a metric."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from chaos.model.probe import AlarmProbe, MetricProbe
from chaos.probes.observation import Observation, Surroundings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

LOOK_BACK = 10
"""Periods within which the newest value must lie."""


def observe(probe: AlarmProbe | MetricProbe, around: Surroundings) -> Observation:
    """Ask once."""
    cloudwatch = cast("CloudWatchClient", around.client_of("cloudwatch"))
    if isinstance(probe, AlarmProbe):
        return _alarm(probe, cloudwatch)
    return _metric(probe, cloudwatch)


def _alarm(probe: AlarmProbe, cloudwatch: CloudWatchClient) -> Observation:
    answer = cloudwatch.describe_alarms(AlarmNames=[probe.alarm])
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    if not found:
        return Observation(False, f"{probe}: there is none of that name")
    state = found[0]["StateValue"]
    return Observation(state == probe.expect, f"{probe}: {state}, expected {probe.expect}")


def _metric(probe: MetricProbe, cloudwatch: CloudWatchClient) -> Observation:
    metric, now = probe.metric, time.time()
    dimensions = [{"Name": key, "Value": value} for key, value in metric.dimensions.items()]
    answer = cloudwatch.get_metric_statistics(
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=dimensions,  # type: ignore[arg-type]  # the same, as mappings
        StartTime=datetime.fromtimestamp(now - LOOK_BACK * metric.period, UTC),
        EndTime=datetime.fromtimestamp(now + metric.period, UTC),  # it is exclusive
        Period=max(1, round(metric.period)),
        Statistics=[metric.statistic],  # type: ignore[list-item]  # checked by AWS
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    if not points:
        return Observation(False, f"{probe}: no value in the last {LOOK_BACK} periods")
    value = float(cast("dict[str, float]", points[-1])[metric.statistic])
    return Observation(
        probe.expect.holds_for(value), f"{probe}: {value:g}, expected {probe.expect}"
    )

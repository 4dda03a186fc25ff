"""CloudWatch in the lab: metrics of what really happened, and alarms that fire."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from chaos.aws.clients import connect
from chaos.lab import handle
from chaos.model.environment import Environment
from tests.chaos_command import Chaos
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

pytestmark = pytest.mark.lab

BALANCER = "AWS/ApplicationELB"
PUBLISHED_WITHIN = 15.0
ABORTED = 4


@pytest.fixture
def cloudwatch(lab: RunningLab) -> CloudWatchClient:
    """A client of the lab's CloudWatch."""
    running = lab.handle
    place = Environment(region=running.region, endpoint_url=running.endpoint_url)
    client: CloudWatchClient = connect(place, running.credentials).client("cloudwatch")
    return client


@pytest.fixture
def own_alarm(cloudwatch: CloudWatchClient) -> Iterator[str]:
    """The name of an alarm on `Test/Depth`: 2 of 3 periods of 1 s above 5."""
    cloudwatch.put_metric_alarm(
        AlarmName="deep",
        Namespace="Test",
        MetricName="Depth",
        Period=1,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        ExtendedStatistic="p50",
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
    )
    yield "deep"
    cloudwatch.delete_alarms(AlarmNames=["deep"])


def state_of(cloudwatch: CloudWatchClient, alarm: str) -> str:
    """The alarm's state now."""
    (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return found["StateValue"]


def total(
    cloudwatch: CloudWatchClient, name: str, since: float, statistic: Any = "Sum", **also: str
) -> float:
    """A statistic of a metric of the balancer since then, with these dimensions besides its own."""
    (balancer,) = {
        dimension["Value"]
        for metric in cloudwatch.list_metrics(Namespace=BALANCER)["Metrics"]
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "LoadBalancer"
    }
    dimensions = {"LoadBalancer": balancer, **also}
    answer: Any = cloudwatch.get_metric_statistics(
        Namespace=BALANCER,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=datetime.fromtimestamp(since, UTC),
        EndTime=datetime.now(UTC) + timedelta(seconds=1),
        Period=1,
        Statistics=[statistic],
    )
    return float(sum(point[statistic] for point in answer["Datapoints"]))


@pytest.mark.alone
def test_the_balancer_reports_the_requests_there_were(
    lab: RunningLab, cloudwatch: CloudWatchClient
) -> None:
    """As many as Envoy has counted, by zone and in all, with a response time for each."""
    eventually(
        lambda: total(cloudwatch, "HTTPCode_ELB_5XX_Count", time.time() - 6) == 0,
        within=PUBLISHED_WITHIN + 10,
        what="what an earlier test has broken is past",
    )
    began = time.time()
    before = handle.balancer_counts(lab.handle)
    for _ in range(90):
        assert lab.get("/products/1").status == 200
    sent = handle.balancer_counts(lab.handle).requests - before.requests
    eventually(
        lambda: total(cloudwatch, "RequestCount", began - 3) >= sent == 90,
        within=PUBLISHED_WITHIN,
        what="all requests are reported",
    )
    since = began - 3
    by_zone = [
        total(cloudwatch, "RequestCount", since, AvailabilityZone=f"us-east-1{zone}")
        for zone in "abc"
    ]
    assert sum(by_zone) == total(cloudwatch, "RequestCount", since)
    assert min(by_zone) > 0
    eventually(
        lambda: total(cloudwatch, "TargetResponseTime", since, "SampleCount") >= sent,
        within=PUBLISHED_WITHIN,
        what="all response times are reported",
    )
    assert total(cloudwatch, "HTTPCode_Target_2XX_Count", since) >= sent
    assert total(cloudwatch, "HTTPCode_ELB_5XX_Count", since) == 0


def test_the_balancer_reports_how_many_targets_are_healthy(
    cloudwatch: CloudWatchClient,
) -> None:
    """All six, as each node sees them."""
    names = {metric["MetricName"] for metric in cloudwatch.list_metrics()["Metrics"]}
    assert {"HealthyHostCount", "UnHealthyHostCount"} <= names
    (metric,) = [
        one
        for one in cloudwatch.list_metrics(MetricName="HealthyHostCount")["Metrics"]
        if len(one["Dimensions"]) == 2
    ]

    def lowest_now() -> float:
        now = datetime.now(UTC)
        (found,) = cloudwatch.get_metric_data(
            StartTime=now - timedelta(seconds=60),
            EndTime=now + timedelta(seconds=5),
            MetricDataQueries=[
                {"Id": "m", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "Minimum"}}
            ],
            ScanBy="TimestampDescending",
        )["MetricDataResults"]
        return found["Values"][0]

    eventually(lambda: lowest_now() == 6, within=15, what="all six are healthy")


def test_the_instances_report_their_own_metrics(
    lab: RunningLab, cloudwatch: CloudWatchClient
) -> None:
    """Response times and error rates, sent by the instances themselves."""
    now = datetime.now(UTC) - timedelta(seconds=1)
    for _ in range(30):
        lab.get("/products")

    def sampled(name: str) -> float:
        answer: Any = cloudwatch.get_metric_statistics(
            Namespace="Shop",
            MetricName=name,
            StartTime=now,
            EndTime=now + timedelta(seconds=60),
            Period=60,
            Statistics=["SampleCount"],
        )
        return float(sum(point["SampleCount"] for point in answer["Datapoints"]))

    for name in ("ResponseTime", "ErrorRate"):
        eventually(lambda name=name: sampled(name) >= 30, within=PUBLISHED_WITHIN, what=name)  # type: ignore[misc]


def test_a_metric_of_ones_own_can_be_put_and_got(cloudwatch: CloudWatchClient) -> None:
    """Values with counts, statistic sets, percentiles, metric math; by exactly its name."""
    now = datetime.now(UTC).replace(microsecond=0)
    dimensions: list[Any] = [{"Name": "Queue", "Value": "orders"}]
    cloudwatch.put_metric_data(
        Namespace="Mine",
        MetricData=[
            {
                "MetricName": "Size",
                "Dimensions": dimensions,
                "Timestamp": now - timedelta(seconds=30),
                "Values": [float(value) for value in range(1, 101)],
                "Counts": [1.0] * 100,
                "Unit": "Bytes",
            },
            {"MetricName": "Size", "Timestamp": now - timedelta(seconds=30), "Value": 7},
        ],
    )
    cloudwatch.put_metric_data(
        Namespace="Yours",
        MetricData=[{"MetricName": "Size", "Dimensions": dimensions, "Value": 1000}],
    )
    answer: Any = cloudwatch.get_metric_statistics(
        Namespace="Mine",
        MetricName="Size",
        Dimensions=dimensions,
        StartTime=now - timedelta(seconds=60),
        EndTime=now,
        Period=60,
        Statistics=["Average", "Maximum"],
        ExtendedStatistics=["p99"],
    )
    found = answer["Datapoints"]
    assert sum(point["Maximum"] for point in found) == 100
    assert found[0]["Unit"] == "Bytes"
    assert found[0]["Average"] == 50.5
    assert found[0]["ExtendedStatistics"] == {"p99": 99}
    metric: Any = {"Namespace": "Mine", "MetricName": "Size", "Dimensions": dimensions}
    math = cloudwatch.get_metric_data(
        StartTime=now - timedelta(seconds=60),
        EndTime=now,
        MetricDataQueries=[
            {"Id": "half", "Expression": "m / 2", "Label": "half"},
            {
                "Id": "m",
                "MetricStat": {"Metric": metric, "Period": 10, "Stat": "Sum"},
                "ReturnData": False,
            },
        ],
    )["MetricDataResults"]
    assert [(one["Label"], one["Values"]) for one in math] == [("half", [2525])]
    listed = cloudwatch.list_metrics(Namespace="Mine", Dimensions=[{"Name": "Queue"}])["Metrics"]
    assert listed == [metric]
    with pytest.raises(ClientError, match="not simulated"):
        cloudwatch.get_metric_data(
            StartTime=now - timedelta(seconds=60),
            EndTime=now,
            MetricDataQueries=[{"Id": "a", "Expression": "SEARCH('x', 'Sum')"}],
        )


def test_an_alarm_follows_its_metric(cloudwatch: CloudWatchClient, own_alarm: str) -> None:
    """From too little data to ALARM and back to OK, each change in its history."""
    assert state_of(cloudwatch, own_alarm) == "INSUFFICIENT_DATA"

    def put_until(value: float, state: str) -> None:
        def reached() -> bool:
            cloudwatch.put_metric_data(
                Namespace="Test", MetricData=[{"MetricName": "Depth", "Value": value}]
            )
            return state_of(cloudwatch, own_alarm) == state

        eventually(reached, within=15, what=state)

    put_until(10, "ALARM")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[own_alarm])["MetricAlarms"]
    assert "10" in alarm["StateReason"]
    assert json.loads(alarm["StateReasonData"])["threshold"] == 5
    assert (datetime.now(UTC) - alarm["StateUpdatedTimestamp"]).total_seconds() < 15
    put_until(1, "OK")
    items = cloudwatch.describe_alarm_history(
        AlarmName=own_alarm, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    assert [item["HistorySummary"].rpartition(" ")[2] for item in items][-2:] == ["ALARM", "OK"]


def test_an_alarm_aborts_a_run_and_ends_with_the_fault(
    lab: RunningLab, cloudwatch: CloudWatchClient, tmp_path: Path
) -> None:
    """All instances stop, shop-5xx fires, the run is rolled back, and the alarm is OK again."""
    eventually(
        lambda: state_of(cloudwatch, "shop-5xx") == "OK", within=30, what="no alarm at first"
    )
    chaos = Chaos(tmp_path)
    chaos.use(lab)
    experiment = tmp_path / "all-stop.yaml"
    experiment.write_text(
        "title: All instances stop\n"
        f"load: {{locustfile: {Path('loadtests/shop.py').resolve()}, rate: 30/s}}\n"
        "phases: {baseline: 1s}\n"
        "targets:\n"
        "  all: {type: aws:ec2:instance, tags: {app: shop}, filters: {State.Name: running}}\n"
        "actions:\n"
        "  stop: {action: 'aws:ec2:stop-instances', targets: all, duration: 60s}\n"
        "stop_conditions:\n"
        "  - alarm: shop-5xx\n"
        "blast_radius: {max_percent: 100}\n"
    )
    ran = chaos("run", experiment, "--env", "shared")
    assert ran.returncode == ABORTED, ran.stdout + ran.stderr
    assert "alarm: shop-5xx" in ran.stdout
    lab.await_whole()
    eventually(lambda: state_of(cloudwatch, "shop-5xx") == "OK", within=30, what="all clear")
    changes = [one for one in handle.truth(lab.handle) if one.resource == "shop-5xx"]
    assert {"OK", "ALARM"} <= {one.text.split()[2].strip(":") for one in changes}

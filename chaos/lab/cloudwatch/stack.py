"""The shop's alarm, made through the API as a team would."""

from __future__ import annotations

from typing import Any

import boto3

ALARM = "shop-5xx"

_PERIOD = 10
"""Seconds: the shortest that an alarm can have on AWS, for metrics of high resolution."""

_MOST_PERCENT = 25


def build(session: boto3.Session, endpoint: str, balancer_arn: str) -> None:
    """Make an alarm on the share of requests that the load balancer answers with 5xx.

    Raises:
        botocore.exceptions.ClientError: the API refuses something.
    """
    balancer = balancer_arn.partition(":loadbalancer/")[2]
    session.client("cloudwatch", endpoint_url=endpoint).put_metric_alarm(
        AlarmName=ALARM,
        AlarmDescription="Percent of requests that the load balancer answers with 5xx",
        Metrics=[
            {
                "Id": "percent",
                "Expression": "100 * (FILL(balancer, 0) + FILL(targets, 0)) / requests",
                "Label": "5xx, percent of requests",
                "ReturnData": True,
            },
            _sum("balancer", "HTTPCode_ELB_5XX_Count", balancer),
            _sum("targets", "HTTPCode_Target_5XX_Count", balancer),
            _sum("requests", "RequestCount", balancer),
        ],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=_MOST_PERCENT,
        EvaluationPeriods=1,
        TreatMissingData="notBreaching",
    )


def _sum(query_id: str, metric: str, balancer: str) -> Any:
    named = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": metric,
        "Dimensions": [{"Name": "LoadBalancer", "Value": balancer}],
    }
    stat = {"Metric": named, "Period": _PERIOD, "Stat": "Sum"}
    return {"Id": query_id, "MetricStat": stat, "ReturnData": False}

"""Asking AWS for the state of a resource: `aws:rds:db-status`, `aws:elbv2:healthy-targets`, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaos.model.probe import AwsProbe, parse_number_bound
from chaos.model.problems import nearest
from chaos.probes.observation import Observation, ProbeFailed, Surroundings

Client = Any
"""A boto3 client of the service that the question names."""


def observe(probe: AwsProbe, around: Surroundings) -> Observation:
    """Ask once; `expect` is a word to be equal to, or a bound on a number."""
    question = QUESTIONS.get(probe.aws)
    if question is None:
        raise ProbeFailed(f"unknown question {probe.aws}{nearest(probe.aws, QUESTIONS)}")
    service, answer_of = question
    answer = answer_of(around.client_of(service), probe.of)
    return Observation(
        _as_expected(answer, probe.expect), f"{probe}: {answer}, expected {probe.expect}"
    )


def _as_expected(answer: str | int, expected: str) -> bool:
    if isinstance(answer, str):
        return answer == expected
    try:
        return parse_number_bound(expected).holds_for(answer)
    except ValueError:
        return str(answer) == expected


def _instance_state(ec2: Client, name: str) -> str:
    reservations = ec2.describe_instances(InstanceIds=[name])["Reservations"]
    return str(reservations[0]["Instances"][0]["State"]["Name"])


def _db_status(rds: Client, name: str) -> str:
    instances = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return str(instances[0]["DBInstanceStatus"])


def _cluster_status(rds: Client, name: str) -> str:
    clusters = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return str(clusters[0]["Status"])


def _cache_status(elasticache: Client, name: str) -> str:
    groups = elasticache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
    return str(groups[0]["Status"])


def _healthy_targets(elbv2: Client, name: str) -> int:
    arn = name
    if not name.startswith("arn:"):
        arn = elbv2.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"]
    health = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return sum(one["TargetHealth"]["State"] == "healthy" for one in health)


def _in_service(autoscaling: Client, name: str) -> int:
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    members = groups["AutoScalingGroups"][0]["Instances"]
    return sum(
        one["LifecycleState"] == "InService" and one["HealthStatus"] == "Healthy" for one in members
    )


QUESTIONS: dict[str, tuple[str, Callable[[Client, str], str | int]]] = {
    "aws:autoscaling:in-service": ("autoscaling", _in_service),
    "aws:ec2:instance-state": ("ec2", _instance_state),
    "aws:elasticache:status": ("elasticache", _cache_status),
    "aws:elbv2:healthy-targets": ("elbv2", _healthy_targets),
    "aws:rds:cluster-status": ("rds", _cluster_status),
    "aws:rds:db-status": ("rds", _db_status),
}
"""What can be asked: the service it is asked of, and how."""

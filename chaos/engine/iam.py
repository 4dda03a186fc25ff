"""The least-privilege IAM policy that some experiments need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chaos.actions.registry import Registry
from chaos.model.experiment import ActionUse, Experiment
from chaos.model.probe import AlarmProbe, AwsProbe, MetricProbe, Probe
from chaos.model.stop_condition import AlarmCondition

ALWAYS = ("sts:GetCallerIdentity",)
"""Asked in every run, by the account guard."""

_READS = re.compile(r"\w[\w-]*:(Describe|Get|List|Lookup)")
_STATE_READS = {
    "aws:autoscaling:in-service": ("autoscaling:DescribeAutoScalingGroups",),
    "aws:ec2:instance-state": ("ec2:DescribeInstances",),
    "aws:elasticache:status": ("elasticache:DescribeReplicationGroups",),
    "aws:elbv2:healthy-targets": (
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    "aws:rds:cluster-status": ("rds:DescribeDBClusters",),
    "aws:rds:db-status": ("rds:DescribeDBInstances",),
}


@dataclass(frozen=True, slots=True)
class Permission:
    """One IAM action, and the tags to which it can be narrowed."""

    action: str
    tags: tuple[tuple[str, str], ...] = ()
    """Of the resources it may touch; empty where AWS or the target knows no narrower way."""


def permissions_of(experiment: Experiment) -> Iterator[Permission]:
    """Everything a run of the experiment may call."""
    yield from (Permission(action) for action in ALWAYS)
    if any(isinstance(condition, AlarmCondition) for condition in experiment.stop_conditions):
        yield Permission("cloudwatch:DescribeAlarms")
    for probe in (*experiment.steady_state, *experiment.probes.values()):
        yield from (Permission(action) for action in _reads_of(probe))
    for use in experiment.actions.values():
        yield from _needed_by(use, experiment)


def _reads_of(probe: Probe) -> tuple[str, ...]:
    match probe:
        case AlarmProbe():
            return ("cloudwatch:DescribeAlarms",)
        case MetricProbe():
            return ("cloudwatch:GetMetricStatistics",)
        case AwsProbe():
            return _STATE_READS.get(probe.aws, ())
        case _:
            return ()


def _needed_by(use: ActionUse, experiment: Experiment) -> Iterator[Permission]:
    kind = Registry().find_action(use.action)
    target = experiment.targets.get(use.targets or "")
    tags = tuple(sorted(target.tags.items())) if target else ()
    for action in kind.permissions if kind else ():
        # Describe calls know no resource-level permissions.
        yield Permission(action, () if _READS.match(action) else tags)


def policy_for(experiments: Iterable[Experiment]) -> dict[str, Any]:
    """A policy document: reads of everything, changes only of what carries the targets' tags."""
    needed = {permission for one in experiments for permission in permissions_of(one)}
    by_tags: dict[tuple[tuple[str, str], ...], set[str]] = {}
    for permission in needed:
        by_tags.setdefault(permission.tags, set()).add(permission.action)
    return {
        "Version": "2012-10-17",
        "Statement": [_statement(tags, by_tags[tags]) for tags in sorted(by_tags)],
    }


def _statement(tags: tuple[tuple[str, str], ...], actions: set[str]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    if tags:
        wanted = {f"aws:ResourceTag/{key}": value for key, value in tags}
        statement["Condition"] = {"StringEquals": wanted}
    return statement

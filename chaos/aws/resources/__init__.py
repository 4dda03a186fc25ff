"""The types of resource that can be a target, and how AWS is asked for them: a file per service."""

from __future__ import annotations

from collections.abc import Mapping

from chaos.aws.resources.autoscaling import AutoScalingGroups
from chaos.aws.resources.ec2 import Ec2Instances, Ec2Subnets
from chaos.aws.resources.elasticache import CacheClusters, ReplicationGroups
from chaos.aws.resources.iam import IamRoles
from chaos.aws.resources.kind import Resource, ResourceKind
from chaos.aws.resources.rds import DbClusters, DbInstances

__all__ = ["RESOURCE_KINDS", "Resource", "ResourceKind"]

RESOURCE_KINDS: Mapping[str, ResourceKind] = {
    "aws:ec2:autoscaling-group": AutoScalingGroups(),
    "aws:ec2:instance": Ec2Instances(),
    "aws:ec2:subnet": Ec2Subnets(),
    "aws:elasticache:cluster": CacheClusters(),
    "aws:elasticache:replicationgroup": ReplicationGroups(),
    "aws:iam:role": IamRoles(),
    "aws:rds:cluster": DbClusters(),
    "aws:rds:db": DbInstances(),
}
"""By the name that a target's `type` gives."""

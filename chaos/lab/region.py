"""The lab's region: moto's state of it, and the lock that keeps it in one piece."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.elasticache.models import elasticache_backends
from moto.elbv2.models import elbv2_backends
from moto.rds.models import rds_backends
from moto.scheduler.models import scheduler_backends

from chaos.lab.acl import Acl
from chaos.lab.cloudwatch.store import MetricStore
from chaos.lab.overlays import (
    alarms,
    cloudwatch,
    elasticache,
    instances,
    network_acls,
    rds,
    scaling,
    target_health,
)
from chaos.lab.place import Place

REGION = "us-east-1"


class Region:
    """moto's backends of the region. Hold `lock` while reading or changing anything in them."""

    def __init__(self, health_of: Callable[[str], str]) -> None:
        instances.install()
        network_acls.install()
        rds.install()
        scaling.install()
        target_health.install(health_of)
        alarms.install()
        self.metrics = MetricStore()
        """The values of all CloudWatch metrics; needs no `lock`."""
        cloudwatch.install(self.metrics)
        self.cache_events = elasticache.install()
        """What DescribeEvents tells of caches."""
        self.lock = threading.RLock()
        self.ec2: Any = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
        self._autoscaling = autoscaling_backends[DEFAULT_ACCOUNT_ID][REGION]
        self.scheduler: Any = scheduler_backends[DEFAULT_ACCOUNT_ID][REGION]
        self._elbv2 = elbv2_backends[DEFAULT_ACCOUNT_ID][REGION]
        self._rds = rds_backends[DEFAULT_ACCOUNT_ID][REGION]
        self.elasticache: Any = elasticache_backends[DEFAULT_ACCOUNT_ID][REGION]
        self._cloudwatch = cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]

    def instances(self) -> list[Any]:
        """All EC2 instances, the terminated ones included."""
        found: list[Any] = self.ec2.all_instances()
        return found

    def groups(self) -> list[Any]:
        """All Auto Scaling groups."""
        return list(self._autoscaling.autoscaling_groups.values())

    def target_groups(self) -> list[Any]:
        """All target groups."""
        return list(self._elbv2.target_groups.values())

    def balancer_dimensions(self) -> dict[str, str] | None:
        """CloudWatch's dimensions of the load balancer and, if it has just one, its target group.

        None where there is no load balancer.
        """
        balancers = list(self._elbv2.load_balancers)
        if not balancers:
            return None
        found = {"LoadBalancer": balancers[0].partition(":loadbalancer/")[2]}
        groups = [one.arn for one in self.target_groups() if one.load_balancer_arns]
        if len(groups) == 1:
            found["TargetGroup"] = groups[0].rpartition(":")[2]
        return found

    def replication_groups(self) -> list[Any]:
        """All replication groups of caches."""
        return list(self.elasticache.replication_groups.values())

    def cache_subnets(self, group: Any) -> dict[str, Any]:
        """By Availability Zone, the subnet that a replication group's nodes stand in there."""
        named = self.elasticache.cache_subnet_groups.get(group.cache_subnet_group_name)
        subnets = self.ec2.describe_subnets(subnet_ids=named.subnet_ids) if named else []
        return {subnet.availability_zone: subnet for subnet in subnets}

    def databases(self) -> dict[str, Any]:
        """By ARN, the DB clusters that have instances, and the DB instances outside clusters."""
        clusters = [one for one in self._rds.clusters.values() if one.members]
        alone = [one for one in self._rds.databases.values() if not one.db_cluster_identifier]
        return {one.arn: one for one in (*clusters, *alone) if rds.is_real(one)}

    def database_subnets(self, database: Any) -> dict[str, str]:
        """By Availability Zone, the subnet that a DB instance or cluster has there.

        Without a subnet group it is in the default VPC, if there is one.
        """
        group = getattr(database, "db_subnet_group", None)
        if isinstance(group, str):  # As a cluster has it.
            group = self._rds.subnet_groups.get(group)
        if group:
            found = group.subnets
            return {one["SubnetAvailabilityZone"]["Name"]: one["SubnetIdentifier"] for one in found}
        return {zone: one.id for zone, one in sorted(self.ec2.get_default_subnets().items())}

    def alarms(self) -> list[Any]:
        """All CloudWatch alarms."""
        return list(self._cloudwatch.alarms.values())

    def balanced_targets(self) -> set[str]:
        """Ids of the targets that are registered with a target group that a listener leads to."""
        return {
            target
            for group in self.target_groups()
            if group.load_balancer_arns
            for target in group.targets
        }

    def network_acls(self) -> dict[str, Acl]:
        """The network ACL of each subnet, by the subnet's id."""
        return network_acls.acls_of(self.ec2)

    def balancer_subnets(self) -> dict[str, str]:
        """The subnets that load balancers have nodes in: by Availability Zone, the subnet's id."""
        return {
            subnet.availability_zone: subnet.id
            for balancer in self._elbv2.load_balancers.values()
            for subnet in balancer.subnets
        }

    def take_address(self, subnet_id: str, owner: str, port: int) -> Place:
        """An address of a subnet for something that is no instance.

        DescribeNetworkInterfaces shows it, described as `owner`, as AWS shows those of its own
        services.
        """
        subnet = self.ec2.get_subnet(subnet_id)
        address = subnet.get_available_subnet_ip(self)
        interface = self.ec2.create_network_interface(subnet, address, description=owner)
        interface.requester_managed = True
        interface.status = "in-use"
        return Place(address, subnet_id, port)

    def return_address(self, place: Place) -> None:
        """Give back what was taken."""
        for interface in self.ec2.get_all_network_interfaces():
            if interface.private_ip_address == place.address:
                self.ec2.delete_network_interface(interface.id)

    def block_of(self, subnet_id: str) -> str:
        """The CIDR block of a subnet."""
        return str(self.ec2.get_subnet(subnet_id).cidr_block)

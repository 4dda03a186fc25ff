"""Resources of EC2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chaos.aws.factory import ClientFactory
from chaos.aws.resources.kind import Resource, tags_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef


class Ec2Instances:
    """EC2 instances; one that is terminated is never a target."""

    _LIVING = ("pending", "running", "stopping", "stopped")
    _GROUP_TAG = "aws:autoscaling:groupName"

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; the API is EC2's DescribeInstances."""
        ec2: EC2Client = clients.client("ec2")
        filters: list[FilterTypeDef] = [{"Name": "instance-state-name", "Values": self._LIVING}]
        filters += [{"Name": f"tag:{key}", "Values": [tags[key]]} for key in tags]
        if ids:
            filters.append({"Name": "instance-id", "Values": list(ids)})
        for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
            for reservation in page["Reservations"]:
                for instance in reservation.get("Instances", ()):
                    yield self._resource(instance)

    def _resource(self, instance: Mapping[str, Any]) -> Resource:
        tags = tags_of(instance)
        return Resource(
            id=instance["InstanceId"],
            zone=instance.get("Placement", {}).get("AvailabilityZone"),
            name=tags.get("Name", ""),
            group=tags.get(self._GROUP_TAG),
            description=instance,
        )

    def group_size(self, clients: ClientFactory, group: str) -> int:
        """How many living instances the Auto Scaling group has."""
        return sum(1 for _ in self.find(clients, (), {self._GROUP_TAG: group}))


class Ec2Subnets:
    """Subnets of VPCs."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; the API is EC2's DescribeSubnets."""
        ec2: EC2Client = clients.client("ec2")
        filters: list[FilterTypeDef] = [
            {"Name": f"tag:{key}", "Values": [tags[key]]} for key in tags
        ]
        if ids:
            filters.append({"Name": "subnet-id", "Values": list(ids)})
        for page in ec2.get_paginator("describe_subnets").paginate(Filters=filters):
            for subnet in page["Subnets"]:
                yield self._resource(subnet)

    def _resource(self, subnet: Mapping[str, Any]) -> Resource:
        return Resource(
            id=subnet["SubnetId"],
            zone=subnet.get("AvailabilityZone"),
            name=tags_of(subnet).get("Name", ""),
            group=None,
            description=subnet,
        )

    def group_size(self, clients: ClientFactory, group: str) -> int:  # noqa: ARG002
        """Never asked: a subnet is no member of anything that replaces it."""
        return 0

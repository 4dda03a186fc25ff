"""The types of resource that can be a target, and how AWS is asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from chaos.aws.factory import ClientFactory

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, as it was when it was asked for."""

    id: str
    zone: str | None
    """Its Availability Zone; None where it has none."""
    name: str
    """Its Name tag; empty where it has none."""
    group: str | None
    """What it is a replaceable member of: an Auto Scaling group's name."""
    description: Mapping[str, Any]
    """AWS's own description, which the filters of a target look into."""


class ResourceKind(Protocol):
    """How to find resources of one type."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """Those with one of `ids` (where given) and all of `tags`, whatever page they are on."""

    def group_size(self, clients: ClientFactory, group: str) -> int:
        """How many members the group has."""


def tags_of(description: Mapping[str, Any]) -> dict[str, str]:
    """The tags in an AWS description, as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in description.get("Tags") or ()}


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


RESOURCE_KINDS: Mapping[str, ResourceKind] = {"aws:ec2:instance": Ec2Instances()}
"""By the name that a target's `type` gives."""

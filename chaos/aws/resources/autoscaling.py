"""Resources of EC2 Auto Scaling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from chaos.aws.factory import ClientFactory
from chaos.aws.resources.kind import Resource, tags_of

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient


class AutoScalingGroups:
    """Auto Scaling groups; an id is a name or an ARN."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; the API is Auto Scaling's DescribeAutoScalingGroups."""
        client: AutoScalingClient = clients.client("autoscaling")
        for page in client.get_paginator("describe_auto_scaling_groups").paginate():
            for group in page["AutoScalingGroups"]:
                name, own = group["AutoScalingGroupName"], tags_of(group)
                is_named = not ids or name in ids or group["AutoScalingGroupARN"] in ids
                if is_named and tags.items() <= own.items():
                    yield Resource(name, None, own.get("Name", ""), None, group)

    def group_size(
        self,
        clients: ClientFactory,  # noqa: ARG002
        group: str,  # noqa: ARG002
    ) -> int:
        """None: a group is a member of nothing."""
        return 0

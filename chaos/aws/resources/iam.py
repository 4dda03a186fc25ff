"""Resources of IAM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from chaos.aws.factory import ClientFactory
from chaos.aws.resources.kind import Resource, tags_of

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_OF_SERVICES = "/aws-service-role/"
"""The path of the roles that belong to AWS's services: nobody else can change those."""


class IamRoles:
    """Roles that can be changed; an id is a name or an ARN."""

    def find(
        self, clients: ClientFactory, ids: Sequence[str], tags: Mapping[str, str]
    ) -> Iterator[Resource]:
        """See `ResourceKind`; ListRoles tells no tags, so each role is asked for its."""
        iam: IAMClient = clients.client("iam")
        for page in iam.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                names = (role["RoleName"], role["Arn"])
                chosen = not ids or not set(names).isdisjoint(ids)
                if chosen and not role["Path"].startswith(_OF_SERVICES):
                    listed = iam.list_role_tags(RoleName=names[0])["Tags"]
                    own = tags_of({"Tags": listed})
                    if tags.items() <= own.items():
                        description = {**role, "Tags": listed}
                        yield Resource(names[0], None, own.get("Name", ""), None, description)

    def group_size(
        self,
        clients: ClientFactory,  # noqa: ARG002
        group: str,  # noqa: ARG002
    ) -> int:
        """None: a role is a member of nothing."""
        return 0

"""What a resource is, and what a type of resource must be able to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chaos.aws.factory import ClientFactory


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


def tags_of(description: Mapping[str, Any], key: str = "Tags") -> dict[str, str]:
    """The tags in an AWS description, as a mapping; RDS, for one, has another `key` for them."""
    return {tag["Key"]: tag["Value"] for tag in description.get(key) or ()}

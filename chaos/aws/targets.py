"""From a declared target to the resources it means."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chaos.aws.factory import ClientFactory
from chaos.aws.resources import RESOURCE_KINDS, Resource
from chaos.model.experiment import Target


def resolve(target: Target, clients: ClientFactory, seed: int) -> tuple[Resource, ...]:
    """The resources chosen, in order of id. The same seed and resources give the same choice.

    May be empty; whether that is an error is for the caller to say.
    """
    kind = RESOURCE_KINDS[target.type]
    found = kind.find(clients, target.ids, target.tags)
    matching = sorted(
        (resource for resource in found if matches(resource.description, target.filters)),
        key=lambda resource: resource.id,
    )
    size = target.select.size(len(matching))
    chosen = random.Random(seed).sample(matching, size)
    return tuple(sorted(chosen, key=lambda resource: resource.id))


def matches(description: Mapping[str, Any], filters: Mapping[str, Sequence[str]]) -> bool:
    """Whether at each path stands one of the values allowed there, as FIS filters do."""
    return all(
        any(str(value) in allowed for value in values_at(description, path.split(".")))
        for path, allowed in filters.items()
    )


def values_at(description: Any, path: Sequence[str]) -> Iterator[Any]:
    """All values at a path like `Placement.AvailabilityZone`; a list is looked through."""
    if isinstance(description, list):
        for item in description:
            yield from values_at(item, path)
    elif not path:
        yield description
    elif isinstance(description, Mapping) and path[0] in description:
        yield from values_at(description[path[0]], path[1:])

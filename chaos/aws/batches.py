"""Long lists of ids in pieces that an AWS API takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

FILTER_VALUES = 200
"""The most values of one filter of EC2's Describe calls."""

INSTANCE_IDS = 1000
"""The most instances that one call of EC2 takes by their ids."""


def in_batches(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    """The ids in their order, at most `size` at a time; nothing where there is none."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])

"""A mergeable histogram of durations with a known relative error.

Buckets grow geometrically, as in DDSketch (Masson, Rim, Lee: "DDSketch: a fast and
fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). Merging adds counts, so
any split of the same samples over any number of workers merges to the same histogram.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

RELATIVE_ERROR = 0.005
"""A quantile read back is within this share of the sample it stands for."""

SHORTEST = 1e-6
"""Seconds; anything shorter falls into the lowest bucket."""

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG = 1 / math.log(_GAMMA)


def _bucket_of(seconds: float) -> int:
    return math.ceil(math.log(max(seconds, SHORTEST)) * _PER_LOG)


def _middle_of(bucket: int) -> float:
    """The value whose relative distance to both ends of the bucket is the same, in seconds."""
    return float(2 * _GAMMA**bucket / (_GAMMA + 1))


@dataclass(slots=True)
class Histogram:
    """Counts of durations, in seconds, by bucket."""

    counts: dict[int, int] = field(default_factory=dict)
    lowest: float = math.inf
    highest: float = 0.0

    @property
    def count(self) -> int:
        """How many durations were recorded."""
        return sum(self.counts.values())

    def record(self, seconds: float, times: int = 1) -> None:
        """Add one duration (or the same one several times)."""
        bucket = _bucket_of(seconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + times
        self.lowest = min(self.lowest, seconds)
        self.highest = max(self.highest, seconds)

    def record_all(self, durations: list[float]) -> None:
        """Add many durations: for large numbers several times faster than one by one."""
        ordered = sorted(durations)
        start = 0
        while start < len(ordered):
            bucket = _bucket_of(ordered[start])
            end = bisect_right(ordered, bucket, lo=start, key=_bucket_of)
            self.counts[bucket] = self.counts.get(bucket, 0) + end - start
            start = end
        if ordered:
            self.lowest = min(self.lowest, ordered[0])
            self.highest = max(self.highest, ordered[-1])

    def merge(self, other: Histogram) -> None:
        """Add all that `other` holds."""
        self.merge_all((other,))

    def merge_all(self, others: Iterable[Histogram]) -> None:
        """Add all that each of `others` holds."""
        counts, lowest, highest = self.counts, self.lowest, self.highest
        for other in others:
            for bucket, times in other.counts.items():
                if bucket in counts:
                    counts[bucket] += times
                else:
                    counts[bucket] = times
            lowest = other.lowest if other.lowest < lowest else lowest
            highest = other.highest if other.highest > highest else highest
        self.lowest, self.highest = lowest, highest

    def quantile(self, q: float) -> float | None:
        """The smallest duration that at least a share `q` of the samples does not exceed.

        Seconds, within `RELATIVE_ERROR`; None where nothing was recorded. `q` is in 0..1.
        """
        total = self.count
        if total == 0:
            return None
        rank = max(1, math.ceil(q * total - 1e-9))
        if rank == total:
            return self.highest
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return min(max(_middle_of(bucket), self.lowest), self.highest)
        return self.highest

    def values(self) -> Iterator[tuple[float, int]]:
        """Each duration that was recorded, within `RELATIVE_ERROR`, and how often; in no order."""
        for bucket, times in self.counts.items():
            yield min(max(_middle_of(bucket), self.lowest), self.highest), times

    def count_above(self, seconds: float) -> int:
        """How many samples lie in buckets above the one that holds `seconds`."""
        limit = _bucket_of(seconds)
        return sum([times for bucket, times in self.counts.items() if bucket > limit])

    def to_json(self) -> list[Any]:
        """A compact JSON value: `[lowest, highest, {bucket: count}]`, empty where there is none."""
        if not self.counts:
            return []
        return [self.lowest, self.highest, {str(b): n for b, n in self.counts.items()}]

    @classmethod
    def from_json(cls, value: list[Any]) -> Self:
        """Read back what `to_json` wrote."""
        if not value:
            return cls()
        lowest, highest, counts = value
        return cls({int(bucket): int(times) for bucket, times in counts.items()}, lowest, highest)

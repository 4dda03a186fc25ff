"""A mergeable histogram of durations with a known relative error.

Buckets grow geometrically, as in DDSketch (Masson, Rim, Lee: "DDSketch: a fast and
fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). Merging adds counts, so
any split of the same samples over any number of workers merges to the same histogram.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from math import ceil, log
from typing import Any, Self

RELATIVE_ERROR = 0.005
"""A quantile read back is within this share of the sample it stands for."""

SHORTEST = 1e-6
"""Seconds; anything shorter falls into the lowest bucket."""

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG = 1 / log(_GAMMA)


def _bucket_of(seconds: float) -> int:
    return ceil(log(max(seconds, SHORTEST)) * _PER_LOG)


def _middle_of(bucket: int) -> float:
    """The value whose relative distance to both ends of the bucket is the same, in seconds."""
    return float(2 * _GAMMA**bucket / (_GAMMA + 1))


class Histogram:
    """Counts of durations, in seconds, by bucket."""

    __slots__ = ("_counts", "_packed", "count", "highest", "lowest")

    def __init__(
        self, counts: dict[int, int] | None = None, lowest: float = math.inf, highest: float = 0.0
    ) -> None:
        self.lowest = lowest
        self.highest = highest
        self._counts: dict[int, int] | None = {} if counts is None else counts
        self.count = sum(self._counts.values())
        """How many durations were recorded."""
        self._packed = b""
        """Stands for the counts where there are none: see `pack`."""

    @property
    def counts(self) -> dict[int, int]:
        """How many durations fell into each bucket; not to be changed from outside."""
        return _unpack(self._packed) if self._counts is None else self._counts

    def pack(self) -> None:
        """Take a tenth of the room until the next change; nothing else is different then."""
        if self._counts is not None:
            self._packed, self._counts = _pack(self._counts), None

    def _open(self) -> dict[int, int]:
        """The counts, to be changed."""
        if self._counts is None:
            self._counts, self._packed = _unpack(self._packed), b""
        return self._counts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        mine, theirs = (self.counts, self.lowest, self.highest), other
        return mine == (theirs.counts, theirs.lowest, theirs.highest)

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"Histogram({self.counts}, {self.lowest}, {self.highest})"

    def record(self, seconds: float, times: int = 1) -> None:
        """Add one duration (or the same one several times)."""
        counts, bucket = self._open(), _bucket_of(seconds)
        counts[bucket] = counts.get(bucket, 0) + times
        self.count += times
        self.lowest = min(self.lowest, seconds)
        self.highest = max(self.highest, seconds)

    def record_all(self, durations: list[float]) -> None:
        """Add many durations: several times faster than one by one."""
        counts = self._open()
        # As `_bucket_of`, without a call for each: this runs for every request.
        buckets = [ceil(log(s if s > SHORTEST else SHORTEST) * _PER_LOG) for s in durations]  # noqa: FURB136
        for bucket, times in Counter(buckets).items():
            counts[bucket] = counts.get(bucket, 0) + times
        self.count += len(durations)
        self.lowest = min(self.lowest, min(durations, default=math.inf))
        self.highest = max(self.highest, max(durations, default=0.0))

    def merge(self, other: Histogram) -> None:
        """Add all that `other` holds."""
        self.merge_all((other,))

    def merge_all(self, others: Iterable[Histogram]) -> None:
        """Add all that each of `others` holds."""
        counts, lowest, highest = self._open(), self.lowest, self.highest
        for other in others:
            if counts:
                _add(other.counts, counts)
            else:
                counts.update(other.counts)
            self.count += other.count
            lowest = min(lowest, other.lowest)
            highest = max(highest, other.highest)
        self.lowest, self.highest = lowest, highest

    def quantile(self, q: float) -> float | None:
        """The smallest duration that at least a share `q` of the samples does not exceed.

        Seconds, within `RELATIVE_ERROR`; None where nothing was recorded. `q` is in 0..1.
        """
        return next(self.quantiles((q,)))

    def quantiles(self, ascending: Iterable[float]) -> Iterator[float | None]:
        """The same of several, in one pass."""
        counts, seen = iter(self._ascending()), 0
        bucket = 0
        for q in ascending:
            rank = max(1, ceil(q * self.count - 1e-9))
            if rank >= self.count:
                yield self.highest if self.count else None
                continue
            while seen < rank:
                bucket, times = next(counts)
                seen += times
            yield min(max(_middle_of(bucket), self.lowest), self.highest)

    def _ascending(self) -> Iterator[tuple[int, int]]:
        """Buckets and their counts; nothing is looked at before the first is asked for."""
        yield from sorted(self.counts.items())

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
        counts = self.counts
        return [self.lowest, self.highest, {str(b): n for b, n in counts.items()}] if counts else []

    @classmethod
    def from_json(cls, value: list[Any]) -> Self:
        """Read back what `to_json` wrote."""
        if not value:
            return cls()
        lowest, highest, counts = value
        return cls({int(bucket): int(times) for bucket, times in counts.items()}, lowest, highest)


def _add(counts: dict[int, int], into: dict[int, int]) -> None:
    for bucket, times in counts.items():
        if bucket in into:
            into[bucket] += times
        else:
            into[bucket] = times


def _pack(counts: dict[int, int]) -> bytes:
    """The size of a count, then the buckets, two bytes each, then their counts."""
    size = "B" if max(counts.values(), default=0) < 256 else "Q"  # noqa: PLR2004 - one byte
    buckets, times = array("h", counts), array(size, counts.values())
    return size.encode() + buckets.tobytes() + times.tobytes()


def _unpack(packed: bytes) -> dict[int, int]:
    buckets, times = array("h"), array(chr(packed[0]))
    end = 1 + (len(packed) - 1) // (buckets.itemsize + times.itemsize) * buckets.itemsize
    buckets.frombytes(packed[1:end])
    times.frombytes(packed[end:])
    return dict(zip(buckets, times, strict=True))

"""Whether one set of numbers is larger than another, and by how much, whatever their distribution.

Sources: Mann and Whitney, "On a Test of Whether one of Two Random Variables is Stochastically
Larger than the Other" (Annals of Mathematical Statistics 1947); Hodges and Lehmann, "Estimates of
Location Based on Rank Tests" (ibid. 1963); the interval as in Lehmann, "Nonparametrics" (1975).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from chaos.slo.intervals import Interval, Z, block_variance


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the second of two sets of numbers is larger than the first."""

    median: float
    """Of all differences between a number of the second and one of the first."""
    interval: Interval
    """Of the median, at 95 %."""
    p_value: float
    """How often chance alone would make two sets as different as these, or more; two-sided."""


def shift(first: Sequence[float], second: Sequence[float], inflation: float = 1.0) -> Shift:
    """The Hodges-Lehmann shift, its interval and the p-value of the Mann-Whitney U test.

    Args:
        first: numbers, at least one.
        second: numbers, at least one.
        inflation: how many times the variance of U is that of independent numbers.

    Normal approximation, with corrections for ties and for continuity: good from five numbers each.
    """
    low, high = sorted(first), sorted(second)
    pairs = len(low) * len(high)
    deviation = math.sqrt(_variance_of_u(low, high) * inflation)
    rank = max(1, math.floor(pairs / 2 - Z * deviation))
    ends = _difference(low, high, rank), _difference(low, high, pairs + 1 - rank)
    upper, lower = _difference(low, high, pairs // 2 + 1), _difference(low, high, (pairs + 1) // 2)
    return Shift((upper + lower) / 2, ends, _p_value(low, high, deviation))


def inflation_of(numbers: Sequence[float]) -> float:
    """How much more the sum of these numbers varies than that of independent ones; at least 1.

    By the block variance of their ranks, in their order, for what follows are tests of ranks.
    """
    ranks = _ranks(numbers)
    middle = sum(ranks) / len(ranks)
    differences = [rank - middle for rank in ranks]
    independent = sum(difference**2 for difference in differences)
    return max(1.0, block_variance(differences) / independent) if independent else 1.0


def _ranks(numbers: Sequence[float]) -> list[float]:
    """The rank of each; equal numbers share the mean of theirs."""
    ranks = [0.0] * len(numbers)
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    below = 0
    for _, tied in groupby(order, key=numbers.__getitem__):
        indexes = list(tied)
        for index in indexes:
            ranks[index] = below + (len(indexes) + 1) / 2
        below += len(indexes)
    return ranks


def _variance_of_u(first: Sequence[float], second: Sequence[float]) -> float:
    total = len(first) + len(second)
    groups = (len(list(tied)) for _, tied in groupby(sorted([*first, *second])))
    ties = sum(size**3 - size for size in groups)
    return len(first) * len(second) / 12 * (total + 1 - ties / (total * (total - 1)))


def _p_value(first: Sequence[float], second: Sequence[float], deviation: float) -> float:
    if deviation == 0:
        return 1.0
    pairs = len(first) * len(second)
    ranks = _ranks([*second, *first])
    u = sum(ranks[: len(second)]) - len(second) * (len(second) + 1) / 2
    distance = max(0.0, abs(u - pairs / 2) - 0.5) / deviation
    return math.erfc(distance / math.sqrt(2))


def _difference(first: Sequence[float], second: Sequence[float], rank: int) -> float:
    """The difference of that rank among all of `second` minus `first`, both sorted, from 1.

    There may be millions of pairs: they are counted, not made.
    """
    low, high = second[0] - first[-1], second[-1] - first[0]
    close = 1e-9 * (high - low)
    while high - low > close:
        middle = (low + high) / 2
        if _pairs_up_to(first, second, middle) >= rank:
            high = middle
        else:
            low = middle
    return _largest_up_to(first, second, high)


def _pairs_up_to(first: Sequence[float], second: Sequence[float], difference: float) -> int:
    """How many pairs differ by so much or less."""
    pairs, above = 0, 0
    for number in first:
        while above < len(second) and second[above] - number <= difference:
            above += 1
        pairs += above
    return pairs


def _largest_up_to(first: Sequence[float], second: Sequence[float], limit: float) -> float:
    """The largest difference of all pairs that is not above `limit`."""
    largest, above = -math.inf, 0
    for number in first:
        while above < len(second) and second[above] - number <= limit:
            above += 1
        if above:
            largest = max(largest, second[above - 1] - number)
    return largest

"""95 % confidence intervals of shares whose hits come in bursts.

Requests of one bad second fail together, so 4,000 requests say less than 4,000 coin tosses. How
much less is the design effect (Kish, "Survey Sampling", 1965): the variance that a moving-block
bootstrap over seconds finds, over the variance of as many independent requests. Wilson's score
interval ("Probable inference", JASA 1927) is then taken for the number of requests divided by it.

The bootstrap is the circular one (Politis and Romano, 1992), whose variance has a closed form, the
mean square of all block sums. So nothing is drawn: the same run gets the same interval, at once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate
from statistics import NormalDist

from chaos.slo.window import Tally

Interval = tuple[float, float]

CONFIDENCE = 0.95

Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Standard errors on each side of the estimate."""

FEWEST_BLOCKS = 5
"""Blocks no longer than a fifth of the window: fewer say too little about how they differ."""


def wilson(share: float, requests: float) -> Interval:
    """The score interval of a share in 0..1 of so many independent requests (more than none)."""
    z2 = Z * Z / requests
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * share * (1 - share) + z2 * z2 / 4) / (1 + z2)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def poisson(count: int) -> Interval:
    """The exact interval of the mean of a Poisson count (Garwood, Biometrika 1936)."""
    tail = (1 - CONFIDENCE) / 2
    low = _mean_where(lambda mean: _at_most(count - 1, mean) <= 1 - tail, count) if count else 0.0
    return low, _mean_where(lambda mean: _at_most(count, mean) <= tail, count)


def _at_most(count: int, mean: float) -> float:
    """The probability of `count` events or fewer."""
    logs = (n * math.log(mean) - mean - math.lgamma(n + 1) for n in range(count + 1))
    return sum(math.exp(log) for log in logs)


def _mean_where(is_past: Callable[[float], bool], count: int) -> float:
    """The mean from which on `is_past` holds."""
    low, high = 1e-9, 2.0 * count + 20
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_past(middle) else (middle, high)
    return high


def design_effect(tallies: Sequence[Tally], parts: Sequence[Hashable]) -> float:
    """How many requests of this load say as much as one independent request; at least 1.

    Args:
        tallies: the seconds, in order of time.
        parts: the part that each second belongs to (see `chaos.slo.parts`).

    1 where nothing, or everything, is a hit: there the data show no bursts.
    """
    requests = sum(tally.requests for tally in tallies)
    hits = sum(tally.hits for tally in tallies)
    independent = hits * (requests - hits) / requests
    if independent <= 0:
        return 1.0
    return max(1.0, block_variance(residuals(tallies, parts)) / independent)


def residuals(tallies: Sequence[Tally], parts: Sequence[Hashable]) -> list[float]:
    """By how many hits each second differs from what its part has on average."""
    requests: defaultdict[Hashable, float] = defaultdict(float)
    hits: defaultdict[Hashable, float] = defaultdict(float)
    for tally, part in zip(tallies, parts, strict=True):
        requests[part] += tally.requests
        hits[part] += tally.hits
    return [
        tally.hits - tally.requests * hits[part] / requests[part]
        for tally, part in zip(tallies, parts, strict=True)
    ]


def block_variance(differences: Sequence[float]) -> float:
    """The variance of the sum of `differences`, by the block length that finds the most.

    Blocks of 1, 2, 4, … seconds are tried: too short ones miss how long bursts last, and no
    length is right for every system.
    """
    longest = max(1, len(differences) // FEWEST_BLOCKS)
    lengths = [2**power for power in range(longest.bit_length())]
    return max(_circular_variance(differences, length) for length in lengths)


def _circular_variance(differences: Sequence[float], length: int) -> float:
    """What resampling blocks of that length, the end joined to the beginning, converges to."""
    seconds = len(differences)
    if seconds <= length:
        return 0.0
    sums = list(accumulate([*differences, *differences[:length]], initial=0.0))
    squares = sum((sums[at + length] - sums[at]) ** 2 for at in range(seconds))
    few_blocks = seconds / (seconds - length)
    return squares / length * few_blocks

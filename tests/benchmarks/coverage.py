"""How often the intervals hold the truth, and how often a verdict is a false alarm.

Every row is a simulation with a known truth: what docs/measurement.md claims is printed here.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.measure.histogram import Histogram
from chaos.model.slo import Slo
from chaos.slo.compare import shift
from chaos.slo.estimates import Quantile, Share
from chaos.slo.intervals import Interval, design_effect, wilson
from chaos.slo.judge import judge
from chaos.slo.verdict import Verdict
from chaos.slo.window import Tally
from tests.slo_runs import START, bursts, counted, draw, exponential

RUNS = 300
"""Simulated runs behind each row; their own standard error is about 1.3 percentage points."""

HEALTHY = (0.9995, [(1, 0.05), (1, 0.2), (3, 0.05), (5, 0.3)])
SICK = (0.995, [(1, 0.05), (1, 0.2), (2, 0.1), (3, 0.1)])
"""True availability, and the bursts that make it: (seconds, share of requests that fail)."""

OBJECTIVE = Slo.model_validate({"sli": "availability", "objective": ">= 99.9%"})


@dataclass(frozen=True, slots=True)
class Bursts:
    """What fails: nothing but in bursts of so many seconds, and then such a share."""

    share: float
    seconds: int
    lasting: int
    depth: float

    def simulate(self, dice: random.Random) -> list[int]:
        """Failures of 100 requests in each second; single requests where bursts last no time."""
        if self.lasting == 0:
            return [draw(dice, 100, self.share) for _ in range(self.seconds)]
        return bursts(dice, self.seconds, self.share, self.lasting, self.depth)


ROWS = (
    Bursts(0.01, 60, 0, 0),
    Bursts(0.001, 300, 0, 0),
    Bursts(0.005, 300, 1, 0.1),
    Bursts(0.05, 300, 1, 0.3),
    Bursts(0.05, 60, 2, 0.3),
    Bursts(0.05, 300, 5, 0.5),
    Bursts(0.005, 1200, 3, 0.2),
    Bursts(0.005, 1200, 10, 0.1),
)


def share_coverage(row: Bursts, dice: random.Random, runs: int) -> tuple[float, float]:
    """The share of intervals that hold the truth: ours, and as if requests were independent."""
    ours, naive = 0, 0
    for _ in range(runs):
        failed = row.simulate(dice)
        tallies = [Tally(START + at, 100, hits) for at, hits in enumerate(failed)]
        requests = 100 * len(failed)
        effect = design_effect(tallies, [0] * len(failed))
        ours += _holds(Share(sum(failed), requests, effect).interval(), row.share)
        naive += _holds(wilson(sum(failed) / requests, requests), row.share)
    return ours / runs, naive / runs


def quantile_coverage(q: float, dice: random.Random, runs: int) -> float:
    """Of the interval of a percentile of 2,000 exponential durations."""
    truth = -math.log(1 - q)
    intervals = (Quantile(_durations(dice), q, 1.0).interval() for _ in range(runs))
    return sum(_holds(interval, truth) for interval in intervals) / runs


def shift_coverage(before: int, then: int, dice: random.Random, runs: int) -> float:
    """Of the Hodges-Lehmann shift between so many seconds of log-normal medians."""
    held = 0
    for _ in range(runs):
        first = [dice.lognormvariate(0, 0.5) for _ in range(before)]
        second = [dice.lognormvariate(0, 0.5) + 0.3 for _ in range(then)]
        held += _holds(shift(first, second).interval, 0.3)
    return held / runs


def verdicts(
    truth: tuple[float, Sequence[tuple[int, float]]], dice: random.Random, runs: int
) -> Counter[Verdict]:
    """On runs of 300 s with 100 requests/s, against an objective of 99.9 %."""
    availability, kinds = truth
    found: Counter[Verdict] = Counter()
    for number in range(runs):
        lasting, depth = kinds[number % len(kinds)]
        failed = bursts(dice, 300, 1 - availability, lasting, depth)
        (result,) = judge([OBJECTIVE], counted([(100 - n, n) for n in failed]))
        found[result.verdict] += 1
    return found


def main() -> None:
    """Print the tables."""
    dice = random.Random(2024)
    print(f"coverage of nominal 95 % intervals, {RUNS} runs each   ours   as if independent")
    for row in ROWS:
        ours, naive = share_coverage(row, dice, RUNS)
        what = f"bursts of {row.lasting} s, {row.depth:.0%}" if row.lasting else "single requests"
        print(
            f"  {what:<20} truth {row.share:6.2%}, {row.seconds:>5} s   {ours:6.1%}  {naive:6.1%}"
        )
    for q in (0.5, 0.99):
        print(
            f"  p{q * 100:g} of 2,000 durations           {quantile_coverage(q, dice, RUNS):6.1%}"
        )
    for before, then in ((10, 30), (60, 60)):
        held = shift_coverage(before, then, dice, RUNS)
        print(f"  shift, {before} against {then} seconds          {held:6.1%}")
    _print_verdicts("healthy, 99.95 % true", lambda: verdicts(HEALTHY, dice, 200), "fail <= 5 %")
    _print_verdicts("sick, 99.5 % true", lambda: verdicts(SICK, dice, 200), "pass <= 5 %")


def _print_verdicts(name: str, simulate: Callable[[], Counter[Verdict]], goal: str) -> None:
    found = simulate()
    counts = ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict)
    print(f"200 runs {name}, wanted 99.9 %: {counts}  (goal {goal})")


def _holds(interval: Interval, truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


def _durations(dice: random.Random) -> Histogram:
    return exponential(dice, 2000, 1.0)

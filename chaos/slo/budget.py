"""Error budgets: how much of one a run spends, and how fast.

Sources: "Site Reliability Engineering" (O'Reilly 2016), chapter 3, for the budget; "The Site
Reliability Workbook" (O'Reilly 2018), chapter 5, for burn rates over a long and a short window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.slo.window import Tally

BUDGET_SECONDS = 30 * 86_400.0
"""What an error budget is for: 30 days."""

WEEKS = 30 / 7
"""Weeks in 30 days."""

_HOUR = 3600.0
_POLICY = ((14.4, _HOUR, _HOUR / 12), (6.0, 6 * _HOUR, _HOUR / 2), (1.0, 72 * _HOUR, 6 * _HOUR))
"""The Workbook's alerts: burn rate, long window and short window."""

_LONGEST = _POLICY[-1][1]


@dataclass(frozen=True, slots=True)
class Alert:
    """One of the Workbook's alerts, its windows scaled so that the longest is the run's window."""

    threshold: float
    """The burn rate at which it fires: 14.4, 6 or 1."""
    long_window: int
    short_window: int
    """Seconds."""
    highest: float
    """The highest burn rate that both windows showed at once."""
    fired_at: int | None
    """The end of the second in which it would have fired first; None where it would not have."""


def budget_factor(seconds: float, target: float) -> float:
    """What share of a 30-day budget a run of so many seconds spends for each bad share of it.

    Requests are taken to come at the run's own rate for all of the 30 days. `target` is the
    availability, in 0..1, that the budget leaves over.
    """
    return seconds / BUDGET_SECONDS / (1 - target)


def alerts(tallies: Sequence[Tally], target: float) -> tuple[Alert, ...]:
    """What the Workbook's alerts would have said, second by second; `tallies` is not empty."""
    whole = tallies[-1].second + 1 - tallies[0].second
    return tuple(_alert(tallies, target, policy, whole) for policy in _POLICY)


def _alert(
    tallies: Sequence[Tally], target: float, policy: tuple[float, float, float], whole: int
) -> Alert:
    threshold = policy[0]
    long, short = (max(1, round(seconds * whole / _LONGEST)) for seconds in policy[1:])
    in_short = dict(sliding(tallies, short))
    rates = [
        (end, min(share, in_short.get(end, 0.0)) / (1 - target))
        for end, share in sliding(tallies, long)
    ]
    fired = (end for end, rate in rates if rate >= threshold)
    highest = max((rate for _, rate in rates), default=0.0)
    return Alert(threshold, long, short, highest, next(fired, None))


def sliding(tallies: Sequence[Tally], seconds: float) -> Iterator[tuple[int, float]]:
    """The share of hits in each window of that length that ends with a tally's second.

    Yields the end of the window, in whole seconds since the epoch, and the share in 0..1. Windows
    that begin before the first tally are left out.
    """
    requests, hits, first = 0.0, 0.0, 0
    for tally in tallies:
        requests, hits = requests + tally.requests, hits + tally.hits
        end = tally.second + 1
        while tallies[first].second < end - seconds:
            requests, hits = requests - tallies[first].requests, hits - tallies[first].hits
            first += 1
        if end - seconds >= tallies[0].second:
            yield end, min(1.0, max(0.0, hits / requests))

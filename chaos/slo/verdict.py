"""The words a judgement is spoken in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether an objective was met."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class SloResult:
    """One objective, judged."""

    name: str
    """As a person would say it: `latency p99 of GET /products`."""
    sli: str
    """`availability`, `latency`, `error_rate` or `recovery_time`."""
    objective: str
    """As declared: `>= 99%`."""
    measured: float | None
    """A ratio in 0..1 or seconds; None where nothing could be measured."""
    interval: tuple[float, float] | None
    """The 95 % confidence interval of `measured`, in its unit."""
    verdict: Verdict
    explanation: str
    """One sentence: why this verdict, and for `inconclusive` what would decide it."""

    @property
    def is_ratio(self) -> bool:
        """Whether `measured` is a ratio; else it is in seconds."""
        return self.sli in {"availability", "error_rate"}


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for all: fail dominates, then inconclusive; nothing judged is a pass."""
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in seen:
            return verdict
    return Verdict.PASS

"""The words a judgement is spoken in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chaos.measure.formats import interval, value
from chaos.model.slo import Sli
from chaos.model.units import Unit


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
    """As in the experiment: `availability`; or `steady_state`."""
    objective: str
    """As declared: `>= 99%`."""
    measured: float | None
    """In its `unit`; None where nothing could be measured."""
    interval: tuple[float, float] | None
    """Where the true value lies: with 95 % confidence, or of times by how they were watched.

    None where the value has no interval, such as a count.
    """
    verdict: Verdict
    explanation: str
    """One sentence: why this verdict, and for `inconclusive` what would decide it."""
    of_requests: bool = True
    """Whether it counts requests of the load from when they were due, as the charts do."""

    @property
    def unit(self) -> str:
        """Of `measured` and `interval`: `ratio`, `seconds`, `rate` or `number`."""
        known = self.sli in set(Sli)
        return (Sli(self.sli).unit if known else Unit.NUMBER).value

    @property
    def shown(self) -> str:
        """What was measured, as people read it."""
        return value(self.measured, self.unit)

    @property
    def shown_interval(self) -> str:
        """The interval, as people read it."""
        return interval(self.interval, self.unit)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for all: fail dominates, then inconclusive; nothing judged is a pass."""
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in seen:
            return verdict
    return Verdict.PASS

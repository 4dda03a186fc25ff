"""What else a run shows, beside its verdicts: outages, budgets, changes, servers and users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.measure.histogram import Histogram
from chaos.measure.run import PhaseName
from chaos.slo.budget import WEEKS, Alert
from chaos.slo.changes import Change
from chaos.slo.intervals import Interval
from chaos.slo.outages import Reliability
from chaos.slo.users import Served, WorstWindow


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What the window of an objective spends of the 30-day budget that the objective leaves."""

    name: str
    """The objective's."""
    target: float
    """The availability that it asks for, in 0..1."""
    used: float
    """A share of the budget; above 1 where the run alone spends more than all of it."""
    interval: Interval
    """At 95 %, for a repeat of the run."""
    alerts: tuple[Alert, ...]

    @property
    def weekly(self) -> float:
        """What a repeat every week would spend, as a share of the budget."""
        return self.used * WEEKS


@dataclass(frozen=True, slots=True)
class Corrected:
    """Closed model: what the latencies would be with the requests that waiting users did not make.

    An estimate: see `chaos.slo.closed_model`.
    """

    expected_interval: float
    """Seconds from one request of a user to the next when all is well."""
    response: Mapping[PhaseName, Histogram]


@dataclass(frozen=True, slots=True)
class Analysis:
    """All of it; empty where the run holds nothing of the kind."""

    reliability: tuple[Reliability, ...] = ()
    """Of the load and of each probe, over the measured phases."""
    budgets: tuple[BudgetUse, ...] = ()
    changes: tuple[Change, ...] = ()
    servers: tuple[Served, ...] = ()
    zones: tuple[Served, ...] = ()
    worst_windows: tuple[WorstWindow, ...] = ()
    corrected: Corrected | None = None
    problems: tuple[str, ...] = field(default=())
    """What could not be worked out, and why; in sentences."""

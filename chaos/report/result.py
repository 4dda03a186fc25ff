"""The result of a run: the one value that every report is rendered from."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.measure.recording import Slice
from chaos.measure.run import FaultTimes, PhaseName, PhaseSpan, Run
from chaos.report.analysis import Analysis
from chaos.slo.verdict import SloResult, Verdict


@dataclass(frozen=True, slots=True)
class FaultResult:
    """One action and what users saw of it."""

    times: FaultTimes
    detected_after_s: float | None
    """Seconds from the confirmed injection to the first bad second; None where none was bad."""
    recovered_after_s: float | None
    """Seconds from the confirmed injection to the first sustained good second."""


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """One phase and the load in it."""

    span: PhaseSpan
    load: Slice

    @property
    def name(self) -> PhaseName:
        """Which phase it is."""
        return self.span.name


@dataclass(frozen=True, slots=True)
class Result:
    """A run and its judgement."""

    run: Run
    verdict: Verdict
    slos: tuple[SloResult, ...]
    faults: tuple[FaultResult, ...]
    phases: tuple[PhaseResult, ...]
    totals: Slice
    """The load over all measured phases (the warm-up is not one)."""
    analysis: Analysis
    """What else it shows."""

"""From a run and its judgement to the one value that every report is rendered from."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.measure.recording import Slice
from chaos.measure.run import Ending, PhaseName, Run
from chaos.report.analysis import Analysis
from chaos.report.result import FaultResult, PhaseResult, Result
from chaos.slo.verdict import SloResult, Verdict, overall

NOTHING_ELSE = Analysis()


def assemble(
    run: Run,
    slos: tuple[SloResult, ...],
    faults: tuple[FaultResult, ...],
    analysis: Analysis = NOTHING_ELSE,
) -> Result:
    """Add the phases, the totals and the overall verdict to what was judged."""
    phases = tuple(
        PhaseResult(span, run.load.between(span.started_at, span.ended_at)) for span in run.phases
    )
    return Result(
        run=run,
        verdict=_verdict(run.ending, slos),
        slos=slos,
        faults=faults,
        phases=phases,
        totals=_merged(phase.load for phase in phases if phase.name is not PhaseName.WARMUP),
        analysis=analysis,
    )


def _verdict(ending: Ending, slos: tuple[SloResult, ...]) -> Verdict:
    """A run that was cut short may have failed, but it cannot have passed.

    A system that was sick before the fault tells nothing about the fault.
    """
    if ending is Ending.ALREADY_SICK:
        return Verdict.INCONCLUSIVE
    verdict = overall(slo.verdict for slo in slos)
    if verdict is Verdict.PASS and ending is not Ending.COMPLETED:
        return Verdict.INCONCLUSIVE
    return verdict


def _merged(loads: Iterable[Slice]) -> Slice:
    total = Slice()
    for load in loads:
        total.merge(load)
    return total

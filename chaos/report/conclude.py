"""From a run to its result: what was measured, judged."""

from __future__ import annotations

from chaos.measure.run import Run
from chaos.model.experiment import Experiment
from chaos.report.assemble import assemble
from chaos.report.result import FaultResult, Result
from chaos.slo.judge import judge
from chaos.slo.recovery import detected_after, recovered_after, tolerated_by
from chaos.slo.verdict import SloResult, Verdict


def conclude(experiment: Experiment, run: Run) -> Result:
    """Judge every objective, see what users noticed of each fault, and put it together."""
    slos = judge(experiment.slos, run)
    if run.steady_after is not None:
        slos = (*slos, _steady_state(run.steady_after))
    tolerated = tolerated_by(experiment.slos)
    faults = tuple(
        FaultResult(
            fault,
            detected_after(fault, run, tolerated),
            recovered_after(fault, run, tolerated),
        )
        for fault in run.faults
    )
    return assemble(run, slos, faults)


def _steady_state(holds: bool) -> SloResult:
    said = "every probe was answered as expected" if holds else "a probe was not answered so"
    return SloResult(
        name="steady state after recovery",
        sli="steady_state",
        objective="holds",
        measured=None,
        interval=None,
        verdict=Verdict.PASS if holds else Verdict.FAIL,
        explanation=f"After the last phase {said}.",
    )

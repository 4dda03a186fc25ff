"""From a run to its result: what was measured, judged."""

from __future__ import annotations

from chaos.measure.run import Ending, Run
from chaos.model.experiment import During, Experiment, Sli, Slo
from chaos.report.assemble import assemble
from chaos.report.result import FaultResult, Result
from chaos.slo.judge import judge
from chaos.slo.recovery import detected_after, recovered_after, tolerated_by
from chaos.slo.verdict import SloResult, Verdict


def conclude(experiment: Experiment, run: Run) -> Result:
    """Judge every objective, see what users noticed of each fault, and put it together."""
    slos = judge(_slos_to_judge(experiment, run), run)
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


def _slos_to_judge(experiment: Experiment, run: Run) -> list[Slo]:
    """All of them; where no fault was injected, on the baseline that kept it from being."""
    if run.ending is not Ending.ALREADY_SICK:
        return list(experiment.slos)
    rest = [slo for slo in experiment.slos if slo.sli is not Sli.RECOVERY_TIME]
    return [slo.model_copy(update={"during": During.BASELINE}) for slo in rest]


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

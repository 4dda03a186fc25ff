"""From a run to its result: what was measured, judged."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.measure.run import Ending, FaultTimes, Run
from chaos.model.experiment import Experiment
from chaos.model.slo import During, Slo
from chaos.report.analyse import analyse
from chaos.report.assemble import assemble
from chaos.report.result import FaultResult, Result
from chaos.slo.closed_model import expected_interval
from chaos.slo.judge import judge
from chaos.slo.recovery import effect_of
from chaos.slo.verdict import SloResult, Verdict
from chaos.slo.watch import Watch, tolerated_by, watch_load, watch_probe


def conclude(experiment: Experiment, run: Run) -> Result:
    """Judge every objective, see what users noticed of each fault, and put it together."""
    declared = _slos_to_judge(experiment, run)
    pace = _pace(experiment, run)
    slos = judge(declared, run, pace)
    if run.steady_after is not None:
        slos = (*slos, _steady_state(run.steady_after))
    tolerated = tolerated_by(experiment.slos)
    watches = _watches(run, tolerated) if run.faults else []
    faults = tuple(_felt(fault, run, watches) for fault in run.faults)
    return assemble(run, slos, faults, analyse(declared, run, tolerated, pace))


def _slos_to_judge(experiment: Experiment, run: Run) -> list[Slo]:
    """All of them; where no fault was injected, on the baseline that kept it from being."""
    if run.ending is not Ending.ALREADY_SICK:
        return list(experiment.slos)
    rest = [slo for slo in experiment.slos if not slo.sli.follows_faults]
    return [slo.model_copy(update={"during": During.BASELINE}) for slo in rest]


def _pace(experiment: Experiment, run: Run) -> float | None:
    """Closed model: seconds from one request of a user to the next, where users are declared."""
    load = experiment.load
    if load is None or load.rate is not None or load.users is None:
        return None
    return expected_interval(run, load.users)


def _watches(run: Run, tolerated: float) -> list[Watch]:
    """Who says what users saw: the load; where there is none, the probes."""
    if run.load.slices:
        return [watch_load(run, tolerated)]
    return [watch_probe(series, run) for series in run.probes]


def _felt(fault: FaultTimes, run: Run, watches: Sequence[Watch]) -> FaultResult:
    """Detected by the first that saw it; recovered when the last no longer does."""
    seen = (effect_of(fault, run, watch) for watch in watches)
    effects = [effect for effect in seen if effect]
    detected = [e.detected_after for e in effects if e.detected_after is not None]
    recovered = [e.recovered_after for e in effects if e.recovered_after is not None]
    everywhere = bool(recovered) and len(recovered) == len(effects)
    return FaultResult(fault, min(detected, default=None), max(recovered) if everywhere else None)


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

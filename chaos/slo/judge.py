"""The judge: which objectives a run met, which it missed, and which it cannot tell."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.measure.recording import UNSENT_ENDPOINT
from chaos.measure.run import Run
from chaos.model.experiment import Sli, Slo
from chaos.slo.indicators import Unmeasurable, endpoints_of, measure
from chaos.slo.recovery import outage_of, tolerated_by
from chaos.slo.ruling import Ruling, rule_on, rule_on_recovery, undecided
from chaos.slo.verdict import SloResult, Verdict


def judge(slos: Sequence[Slo], run: Run) -> tuple[SloResult, ...]:
    """One result per SLO, in their order; the same run is always judged the same.

    Never raises: an indicator that cannot be measured, or crashes, is `inconclusive` and says why.
    """
    tolerated = tolerated_by(slos)
    return tuple(_result(slo, _ruling(slo, run, tolerated)) for slo in slos)


def _result(slo: Slo, ruling: Ruling) -> SloResult:
    return SloResult(
        name=slo.name,
        sli=slo.sli.value,
        objective=str(slo.objective),
        measured=ruling.measured,
        interval=ruling.interval,
        verdict=ruling.verdict,
        explanation=ruling.explanation,
    )


def _ruling(slo: Slo, run: Run, tolerated: float) -> Ruling:
    try:
        if slo.sli is Sli.RECOVERY_TIME:
            return _recovery(slo, run, tolerated)
        return _spared_of_unsent(slo, run, rule_on(measure(slo, run), slo.objective))
    except Unmeasurable as why:
        return undecided(str(why))
    except Exception as error:  # noqa: BLE001 - a judge that crashes must not pass, nor end the run
        return undecided(f"the indicator crashed, {type(error).__name__}: {error}")


def _recovery(slo: Slo, run: Run, tolerated: float) -> Ruling:
    endpoints = endpoints_of(slo, run)
    seen = [outage_of(fault, run, tolerated, endpoints) for fault in run.faults]
    outages = [outage for outage in seen if outage]
    if not outages:
        raise Unmeasurable("no fault was in place while there was load")
    return rule_on_recovery(outages, slo.objective)


def _spared_of_unsent(slo: Slo, run: Run, ruling: Ruling) -> Ruling:
    """No pass for an endpoint thanks to arrivals that were never sent, and so have no endpoint."""
    if slo.endpoint is None or ruling.verdict is not Verdict.PASS:
        return ruling
    worst = measure(slo, run, count_unsent=True).estimate.measured
    if slo.objective.holds_for(worst):
        return ruling
    why = f"arrivals that were {UNSENT_ENDPOINT} belong to no endpoint; had all been for this one"
    return Ruling(
        Verdict.INCONCLUSIVE,
        f"{ruling.explanation.rstrip('.')}, but {why}, it would be missed.",
        ruling.measured,
        ruling.interval,
    )

"""The judge: which objectives a run met, which it missed, and which it cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.measure.recording import UNSENT_ENDPOINT
from chaos.measure.run import Run
from chaos.model.slo import By, Since, Sli, Slo
from chaos.slo.budget import sliding
from chaos.slo.closed_model import corrected
from chaos.slo.counts import Unmeasurable, counts_of, watch_in_window, watch_of
from chaos.slo.estimates import Quantile
from chaos.slo.indicators import measure
from chaos.slo.outages import Reliability, reliability_of
from chaos.slo.recovery import Effect, effects_of
from chaos.slo.ruling import (
    Ruling,
    rule_on,
    rule_on_count,
    rule_on_detection,
    rule_on_length,
    rule_on_mtbf,
    rule_on_recovery,
    rule_on_worst,
    undecided,
)
from chaos.slo.verdict import SloResult, Verdict
from chaos.slo.watch import tolerated_by


def judge(
    slos: Sequence[Slo], run: Run, expected_interval: float | None = None
) -> tuple[SloResult, ...]:
    """One result per SLO, in their order; the same run is always judged the same.

    Never raises: an indicator that cannot be measured, or crashes, is `inconclusive` and says why.

    Args:
        slos: the objectives.
        run: what was measured.
        expected_interval: closed model: seconds from one request of a user to the next when all is
            well (see `chaos.slo.closed_model`); None in the open model, and where it is not known.
    """
    tolerated = tolerated_by(slos)
    questions = (Question(slo, run, tolerated, expected_interval) for slo in slos)
    return tuple(_result(question.slo, _ruling(question)) for question in questions)


@dataclass(frozen=True, slots=True)
class Question:
    """One objective, put to one run."""

    slo: Slo
    run: Run
    tolerated: float
    """The share of bad requests that a good second may have."""
    expected_interval: float | None

    def reliability(self) -> Reliability:
        """The outages of the objective's window."""
        return reliability_of(watch_in_window(self.slo, self.run, self.tolerated))

    def effects(self) -> list[Effect]:
        """What was seen of each fault; not empty."""
        found = effects_of(self.run, watch_of(self.slo, self.run, self.tolerated))
        if not found:
            what = f"samples of the probe {self.slo.probe}" if self.slo.probe else "load"
            raise Unmeasurable(f"no fault was in place while there was {what}")
        return found


def _result(slo: Slo, ruling: Ruling) -> SloResult:
    return SloResult(
        name=slo.name,
        sli=slo.sli.value,
        objective=str(slo.objective),
        measured=ruling.measured,
        interval=ruling.interval,
        verdict=ruling.verdict,
        explanation=ruling.explanation,
        of_requests=_counts_requests(slo),
    )


def _counts_requests(slo: Slo) -> bool:
    by_request = slo.counted_by is By.REQUESTS and slo.of is not Since.SERVICE
    return by_request and slo.window is None


def _ruling(question: Question) -> Ruling:
    try:
        return _RULES.get(question.slo.sli, _estimate)(question)
    except Unmeasurable as why:
        return undecided(str(why))
    except Exception as error:  # noqa: BLE001 - a judge that crashes must not pass, nor end the run
        return undecided(f"the indicator crashed, {type(error).__name__}: {error}")


def _estimate(question: Question) -> Ruling:
    slo, run = question.slo, question.run
    if slo.window is not None:
        return _worst_window(question)
    ruling = rule_on(measure(slo, run, question.tolerated), slo.objective)
    return _spared_of_omission(question, _spared_of_unsent(question, ruling))


def _worst_window(question: Question) -> Ruling:
    slo = question.slo
    counts = counts_of(slo, question.run, question.tolerated)
    windows = list(sliding(counts.tallies, slo.window or 0.0))
    if not windows:
        raise Unmeasurable(f"the window is shorter than {slo.window:g} s")
    ended_at, bad = max(windows, key=lambda window: window[1])
    if slo.sli is Sli.BURN_RATE and slo.target is not None:
        return rule_on_worst(bad / (1 - slo.target), ended_at, slo)
    return rule_on_worst(1 - bad, ended_at, slo)


def _longest(question: Question) -> Ruling:
    seen = question.reliability()
    what = "The longest outage lasted"
    return rule_on_length(seen, seen.longest, seen.longest_bounds, what, question.slo.objective)


def _mttr(question: Question) -> Ruling:
    seen = question.reliability()
    what = "An outage lasted on average"
    return rule_on_length(seen, seen.mttr, seen.mttr_bounds, what, question.slo.objective)


_RULES: dict[Sli, Callable[[Question], Ruling]] = {
    Sli.TIME_TO_DETECT: lambda q: rule_on_detection(q.effects(), q.slo.objective),
    Sli.RECOVERY_TIME: lambda q: rule_on_recovery(q.effects(), q.slo.objective),
    Sli.OUTAGES: lambda q: rule_on_count(q.reliability(), q.slo.objective),
    Sli.LONGEST_OUTAGE: _longest,
    Sli.MTBF: lambda q: rule_on_mtbf(q.reliability(), q.slo.objective),
    Sli.MTTR: _mttr,
}
"""How each indicator is judged; those that are not here are estimates with an interval."""


def _spared_of_unsent(question: Question, ruling: Ruling) -> Ruling:
    """No pass for an endpoint thanks to arrivals that were never sent, and so have no endpoint."""
    slo = question.slo
    if slo.endpoint is None or slo.sli is Sli.THROUGHPUT or ruling.verdict is not Verdict.PASS:
        return ruling
    with_unsent = measure(slo, question.run, question.tolerated, count_unsent=True)
    if slo.objective.holds_for(with_unsent.estimate.measured):
        return ruling
    why = f"arrivals that were {UNSENT_ENDPOINT} belong to no endpoint; had all been for this one"
    return _doubted(ruling, f"{why}, it would be missed")


def _spared_of_omission(question: Question, ruling: Ruling) -> Ruling:
    """No pass in the closed model thanks to requests that users, who waited, did not make."""
    slo, expected = question.slo, question.expected_interval
    if slo.sli is not Sli.LATENCY or expected is None or ruling.verdict is not Verdict.PASS:
        return ruling
    estimate = measure(slo, question.run, question.tolerated).estimate
    if not isinstance(estimate, Quantile):
        return ruling
    omitted = corrected(estimate.durations, expected).quantile(estimate.q)
    if omitted is None or slo.objective.holds_for(omitted):
        return ruling
    why = "in the closed model users who wait make no requests; with an estimate of those"
    return _doubted(ruling, f"{why}, it would be missed")


def _doubted(ruling: Ruling, but: str) -> Ruling:
    said = f"{ruling.explanation.rstrip('.')}, but {but}."
    return Ruling(Verdict.INCONCLUSIVE, said, ruling.measured, ruling.interval)

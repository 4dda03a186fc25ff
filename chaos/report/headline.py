"""The verdict in a sentence or two: what a reader should know when reading nothing else."""

from __future__ import annotations

from chaos.measure.formats import objective, plural
from chaos.measure.run import Ending
from chaos.report.result import Result
from chaos.slo.verdict import SloResult, Verdict

_NAMED = 2
"""How many objectives are named before the rest is only counted."""


def headline(result: Result) -> str:
    """Why the verdict is what it is."""
    return " ".join(part for part in (_ending(result), _judgement(result)) if part)


def _ending(result: Result) -> str:
    reason = result.run.reason.strip().rstrip(".")
    because = f": {reason}." if reason else "."
    match result.run.ending:
        case Ending.COMPLETED:
            return ""
        case Ending.ABORTED:
            return f"The run was aborted and everything was put back{because}"
        case Ending.ROLLBACK_INCOMPLETE:
            return f"Something is still broken{because} Run chaos recover to put it back."
        case Ending.ALREADY_SICK:
            return f"No fault was injected{because}"
        case Ending.UNUSABLE:
            return f"The environment could not be used{because}"


def _judgement(result: Result) -> str:
    total = len(result.slos)
    missed = [slo for slo in result.slos if slo.verdict is Verdict.FAIL]
    open_ones = [slo for slo in result.slos if slo.verdict is Verdict.INCONCLUSIVE]
    if missed:
        were = "was" if len(missed) == 1 else "were"
        return f"{len(missed)} of {plural(total, 'objective')} {were} missed: {_listed(missed)}."
    if result.run.ending is not Ending.COMPLETED:
        return ""
    if open_ones:
        are = "is" if len(open_ones) == 1 else "are"
        said = f"{len(open_ones)} of {plural(total, 'objective')} {are} undecided"
        return f"Nothing was missed, but {said}: {_listed(open_ones)}."
    return _passed(result)


def _passed(result: Result) -> str:
    total = len(result.slos)
    injected = sum(fault.times.inject_confirmed_at is not None for fault in result.faults)
    through = f" through {plural(injected, 'fault')}" if injected else ""
    if not total:
        return f"The run completed{through}; it declares no objectives to judge."
    if total == 1:
        return f"The objective was met{through}."
    return f"All {total} objectives were met{through}."


def _listed(slos: list[SloResult]) -> str:
    named = "; ".join(_against(slo) for slo in slos[:_NAMED])
    rest = len(slos) - _NAMED
    return f"{named}; and {rest} more" if rest > 0 else named


def _against(slo: SloResult) -> str:
    if slo.measured is None:
        return f"{slo.name} ({slo.explanation.rstrip('.')})"
    wanted = objective(slo.objective)
    said = f"{slo.name} is {slo.shown}"
    if slo.verdict is Verdict.INCONCLUSIVE and slo.interval is not None:
        said += f" ({slo.shown_interval})"
    return f"{said}, wanted {wanted}"

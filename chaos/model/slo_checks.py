"""Rules of objectives: what belongs to which indicator, and what an indicator needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from chaos.model.document import KeyPath
from chaos.model.experiment import Experiment
from chaos.model.messages import Finding
from chaos.model.problems import nearest
from chaos.model.slo import By, Since, Sli, Slo
from chaos.model.units import Unit

_SHARES = {sli for sli in Sli if sli.is_a_share}
_BUDGETS = {Sli.ERROR_BUDGET, Sli.BURN_RATE}

_BELONGS_TO: dict[str, Collection[Sli]] = {
    "of": {Sli.LATENCY},
    "by": _SHARES,
    "window": {Sli.AVAILABILITY, Sli.BURN_RATE},
}
"""Keys that some indicators may have."""

_NEEDED_BY: dict[str, tuple[Collection[Sli], str]] = {
    "percentile": ({Sli.LATENCY}, "percentile: 99"),
    "target": (_BUDGETS, "target: 99.9%"),
}
"""Keys that these indicators must have, and no others may."""

_WRITTEN = {
    Unit.RATIO: 'a percentage, as in "99.9%"',
    Unit.SECONDS: 'a duration, as in "800ms"',
    Unit.RATE: 'a rate, as in "90/s"',
    Unit.NUMBER: 'a plain number, as in "1"',
}


def check_slo(slo: Slo, path: KeyPath, experiment: Experiment) -> Iterator[Finding]:
    """Every rule that this objective breaks."""
    yield from _check_objective(slo, (*path, "objective"))
    yield from _check_keys(slo, path)
    yield from _check_source(slo, path, experiment)
    if slo.sli.follows_faults and not experiment.actions:
        purpose = "recover from" if slo.sli is Sli.RECOVERY_TIME else "detect"
        yield Finding(f"{slo.sli} needs an action to {purpose}", (*path, "sli"))
    if slo.sli.follows_faults and slo.during is not None:
        message = f"{slo.sli} follows each fault to its end; it takes no during"
        yield Finding(message, (*path, "during"), of_key=True)


def _check_objective(slo: Slo, at: KeyPath) -> Iterator[Finding]:
    found = slo.objective.text
    if slo.objective.unit is not slo.sli.unit:
        yield Finding(f"{slo.sli} is measured as {_WRITTEN[slo.sli.unit]}; found {found}", at)
    elif slo.objective.at_least is not slo.sli.more_is_better:
        better = "at least (>=)" if slo.sli.more_is_better else "at most (<=)"
        yield Finding(f"{slo.sli} wants {better}; found {found}", at)


def _check_keys(slo: Slo, path: KeyPath) -> Iterator[Finding]:
    for key, (slis, example) in _NEEDED_BY.items():
        if (slo.sli in slis) != (getattr(slo, key) is not None):
            names = _listed(slis)
            verb = "needs" if len(slis) == 1 else "need"
            message = f"{names}, and only {names}, {verb} a {key}: {example}"
            yield Finding(message, (*path, key), of_key=True)
    for key, slis in _BELONGS_TO.items():
        if slo.sli not in slis and getattr(slo, key) is not None:
            yield Finding(f"{slo.sli} takes no {key}", (*path, key), of_key=True)
    if slo.target == 1:
        yield Finding("a target of 100% leaves no budget to spend", (*path, "target"))


def _check_source(slo: Slo, path: KeyPath, experiment: Experiment) -> Iterator[Finding]:
    if slo.probe is None:
        if experiment.load is None:
            message = f"{slo.sli} is measured on the load, and there is no load"
            yield Finding(f"{message}; or name a probe", path)
    elif slo.probe not in experiment.probes:
        hint = nearest(slo.probe, experiment.probes)
        yield Finding(f"unknown probe {slo.probe}{hint}", (*path, "probe"))
    if slo.probe is not None and slo.by in {By.REQUESTS, By.USERS}:
        message = f"a probe's samples are counted by time; found {slo.by}"
        yield Finding(message, (*path, "by"))
    if slo.probe is not None and slo.of is Since.SERVICE:
        message = "a probe asks on time, so its latency is the response time"
        yield Finding(message, (*path, "of"))
    if slo.endpoint is not None and (slo.probe is not None or slo.by is By.USERS):
        what = "a probe has" if slo.probe is not None else "users have"
        yield Finding(f"{what} no endpoint", (*path, "endpoint"), of_key=True)


def _listed(slis: Collection[Sli]) -> str:
    return " and ".join(sorted(slis))

"""Rules that hold between the parts of an experiment, beyond what each part's type says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from pydantic import ValidationError

from chaos.model.document import KeyPath
from chaos.model.experiment import ActionUse, Catalog, Experiment
from chaos.model.messages import Finding, findings
from chaos.model.problems import nearest
from chaos.model.slo import strictest_availability
from chaos.model.slo_checks import check_slo
from chaos.model.stop_condition import (
    BudgetCondition,
    ProbeCondition,
    SliCondition,
    StopCondition,
)


class Declaration(NamedTuple):
    """What the file declares, counting the parts that are not valid themselves."""

    targets: frozenset[str]
    actions: frozenset[str]
    slos: tuple[int, ...]
    """The position in the file of each of the experiment's SLOs."""
    stop_conditions: tuple[int, ...]
    """The same of its stop conditions."""


def check(experiment: Experiment, catalog: Catalog, declared: Declaration) -> Iterator[Finding]:
    """Every rule that is broken."""
    yield from _check_load(experiment)
    yield from _check_slos(experiment, declared.slos)
    yield from _check_targets(experiment, catalog)
    for name, use in experiment.actions.items():
        yield from _check_action(name, use, experiment, catalog, declared)
    yield from _check_cycles(experiment.actions)
    stops = zip(declared.stop_conditions, experiment.stop_conditions, strict=True)
    for position, condition in stops:
        for message in _wrong_with(condition, experiment):
            yield Finding(message, ("stop_conditions", position))


def _wrong_with(condition: StopCondition, experiment: Experiment) -> Iterator[str]:
    if isinstance(condition, ProbeCondition) and condition.probe not in experiment.probes:
        yield f"unknown probe {condition.probe}{nearest(condition.probe, experiment.probes)}"
    if isinstance(condition, SliCondition | BudgetCondition) and experiment.load is None:
        measured = condition.sli if isinstance(condition, SliCondition) else "error_budget"
        yield f"{measured} is measured on the load, and there is no load"
    if isinstance(condition, BudgetCondition):
        target = strictest_availability(experiment.slos)
        if target is None:
            example = '{sli: availability, objective: ">= 99.9%"}'
            yield f"error_budget is that of an availability objective: give slos one, {example}"
        elif target == 1:
            yield "an availability objective of 100% leaves no budget to spend"


def _check_load(experiment: Experiment) -> Iterator[Finding]:
    load = experiment.load
    if load and load.rate and load.spawn_rate:
        message = "spawn_rate belongs to the closed model; with a rate, users is the pool's size"
        yield Finding(message, ("load", "spawn_rate"), of_key=True)
    if load and experiment.phases.baseline + experiment.phases.recovery == 0:
        needs = not experiment.actions
        if needs:
            message = "without actions, the load runs for the baseline: give phases.baseline"
            yield Finding(message, ("phases",), of_key=True)


def _check_slos(experiment: Experiment, positions: tuple[int, ...]) -> Iterator[Finding]:
    for index, slo in zip(positions, experiment.slos, strict=True):
        yield from check_slo(slo, ("slos", index), experiment)


def _check_targets(experiment: Experiment, catalog: Catalog) -> Iterator[Finding]:
    types = catalog.resource_types()
    for name, target in experiment.targets.items():
        if target.type not in types:
            message = f"unknown resource type {target.type}{nearest(target.type, types)}"
            yield Finding(message, ("targets", name, "type"))
        if not (target.ids or target.tags or target.filters):
            message = "says nothing about which resources: give ids, tags or filters"
            yield Finding(message, ("targets", name), of_key=True)


def _check_action(
    name: str, use: ActionUse, experiment: Experiment, catalog: Catalog, declared: Declaration
) -> Iterator[Finding]:
    path: KeyPath = ("actions", name)
    if use.at is not None and use.after:
        message = "has both at and after: at counts from the fault phase, after from an action"
        yield Finding(message, (*path, "after"), of_key=True)
    for other in use.after:
        if other not in declared.actions:
            message = (
                f"after an action that is not declared: {other}{nearest(other, declared.actions)}"
            )
            yield Finding(message, (*path, "after"))
    if use.targets is not None and use.targets not in declared.targets:
        message = f"unknown target {use.targets}{nearest(use.targets, declared.targets)}"
        yield Finding(message, (*path, "targets"))
    yield from _check_against_catalog(path, use, experiment, catalog)


def _check_against_catalog(
    path: KeyPath, use: ActionUse, experiment: Experiment, catalog: Catalog
) -> Iterator[Finding]:
    kind = catalog.find_action(use.action)
    if kind is None:
        message = f"unknown action {use.action}{nearest(use.action, catalog.action_ids())}"
        yield Finding(message, (*path, "action"))
        return
    if kind.resource and use.targets is None:
        yield Finding(f"{use.action} needs targets of type {kind.resource}", path, of_key=True)
    target = experiment.targets.get(use.targets or "")
    known = target is not None and target.type in catalog.resource_types()
    if target and known and kind.resource and target.type != kind.resource:
        message = f"{use.action} works on {kind.resource}; {use.targets} is {target.type}"
        yield Finding(message, (*path, "targets"))
    try:
        kind.Parameters.model_validate(use.parameters)
    except ValidationError as error:
        yield from findings(error, kind.Parameters, (*path, "parameters"))


def _check_cycles(actions: Mapping[str, ActionUse]) -> Iterator[Finding]:
    graph = {
        name: [other for other in use.after if other in actions] for name, use in actions.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        message = f"actions wait for each other: {' after '.join(circle)}"
        yield Finding(message, ("actions", circle[0], "after"), of_key=True)

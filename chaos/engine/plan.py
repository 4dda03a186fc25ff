"""The plan: the experiment with every target resolved, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chaos.actions.action import Action, ApiCall, Revertible
from chaos.actions.composite import Composite, Part
from chaos.actions.registry import Registry
from chaos.aws.factory import ClientFactory
from chaos.aws.resources import RESOURCE_KINDS, Resource
from chaos.aws.targets import resolve
from chaos.engine.environment import OpenEnvironment
from chaos.engine.stop_conditions import StopConditions
from chaos.model.experiment import ActionUse, Experiment
from chaos.model.problems import Refused
from chaos.model.secrets import reveal


@dataclass(frozen=True)
class PlannedAction:
    """One action with its resources, its calls and its undo."""

    name: str
    action: Action
    targets: tuple[Resource, ...]
    at: float
    """Seconds from the start of the fault phase; 0 where `after` decides."""
    after: tuple[str, ...]
    duration: float
    """Seconds from the confirmed injection to the undo."""
    inject_calls: tuple[ApiCall, ...]
    """As they would be now; the state is captured again when the time has come."""
    revert_calls: tuple[ApiCall, ...]

    @property
    def target_ids(self) -> tuple[str, ...]:
        """The ids of its resources."""
        return tuple(target.id for target in self.targets)


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    experiment: Experiment
    environment: OpenEnvironment
    seed: int
    actions: tuple[PlannedAction, ...]

    @property
    def permissions(self) -> list[str]:
        """The IAM actions needed, sorted."""
        return sorted({p for planned in self.actions for p in planned.action.permissions})

    @property
    def fault_seconds(self) -> float:
        """How long the fault phase lasts, if every call took no time."""
        ends = planned_ends(self.actions)
        return max([self.experiment.phases.fault, *ends.values()], default=0.0)


def planned_ends(actions: Sequence[PlannedAction]) -> dict[str, float]:
    """When each action ends, in seconds from the start of the fault phase."""
    ends: dict[str, float] = {}
    waiting = list(actions)
    while waiting:  # the model has made sure that there is no circle
        for planned in [p for p in waiting if set(p.after) <= set(ends)]:
            start = max([planned.at, *(ends[name] for name in planned.after)])
            ends[planned.name] = start + planned.duration
            waiting.remove(planned)
    return ends


def make_plan(experiment: Experiment, environment: OpenEnvironment, seed: int) -> Plan:
    """Resolve the targets and ask each action what it would do; reads AWS, changes nothing.

    Raises:
        Refused: an action has no target, a stop condition names an alarm that does not exist, or
            an environment variable that a probe refers to is not set.
    """
    _refuse_without_host(experiment, environment)
    _refuse_without_secrets(experiment)
    StopConditions(experiment, environment.clients).refuse_unknown_alarms()
    planned = {
        name: tuple(_plan_use(name, use, experiment, environment, seed))
        for name, use in experiment.actions.items()
    }
    actions = _await_parts(planned)
    return Plan(experiment, environment, seed, actions)


def _refuse_without_host(experiment: Experiment, environment: OpenEnvironment) -> None:
    asked = [*experiment.steady_state, *experiment.probes.values()]
    needs_host = experiment.load or any("${host}" in str(probe) for probe in asked)
    if needs_host and environment.host is None:
        raise Refused(
            f"environment {environment.name} has no host to send load to: "
            "give --host URL, or host in chaos.toml"
        )


def _refuse_without_secrets(experiment: Experiment) -> None:
    for probe in (*experiment.steady_state, *experiment.probes.values()):
        reveal(probe)


def _plan_use(
    name: str, use: ActionUse, experiment: Experiment, environment: OpenEnvironment, seed: int
) -> Iterator[PlannedAction]:
    """The action that the file names; of a composite, its parts."""
    kind = Registry().find_action(use.action)
    clients = environment.clients
    if kind is None or clients is None:
        raise Refused(
            f"action {name} ({use.action}) needs AWS; "
            f"environment {environment.name} has only a host"
        )
    named = kind(clients, use.parameters)
    if isinstance(named, Composite):
        yield from _plan_parts(name, use, named, seed)
    elif isinstance(named, Action):
        targets: tuple[Resource, ...] = ()
        if use.targets is not None:
            targets = resolve(experiment.targets[use.targets], clients, seed)
            if not targets:
                raise Refused(_no_target(name, use.targets, experiment))
        yield _plan_action(name, named, targets, use)


def _plan_parts(name: str, use: ActionUse, whole: Composite, seed: int) -> Iterator[PlannedAction]:
    """Each part that is installed and finds something to hit, named after the whole."""
    found_any = False
    for part in whole.parts(use.duration):
        kind = Registry().find_action(part.action)
        targets = _targets_of(part, whole.clients, seed)
        if kind is not None and issubclass(kind, Action) and targets:
            found_any = True
            lasting = use.model_copy(update={"duration": part.duration})
            action = kind(whole.clients, part.parameters)
            yield _plan_action(f"{name}/{part.name}", action, targets, lasting)
    if not found_any:
        raise Refused(f"action {name} would hit nothing: none of the parts of {whole.id} finds any")


def _targets_of(part: Part, clients: ClientFactory, seed: int) -> tuple[Resource, ...]:
    if part.target.type not in RESOURCE_KINDS:
        return ()
    found = resolve(part.target, clients, seed)
    return tuple(one for one in found if part.zone in {None, one.zone})


def _plan_action(
    name: str, action: Action, targets: tuple[Resource, ...], use: ActionUse
) -> PlannedAction:
    state = action.capture(targets)
    undo = action.revert_calls(state) if isinstance(action, Revertible) else []
    calls = tuple(action.inject_calls(targets, state))
    return PlannedAction(
        name, action, targets, use.at or 0.0, use.after, use.duration, calls, tuple(undo)
    )


def _await_parts(planned: Mapping[str, Sequence[PlannedAction]]) -> tuple[PlannedAction, ...]:
    """All actions; what waits for a composite waits for each of its parts."""
    return tuple(
        replace(action, after=tuple(one.name for other in action.after for one in planned[other]))
        for actions in planned.values()
        for action in actions
    )


def _no_target(name: str, target: str, experiment: Experiment) -> str:
    declared = experiment.targets[target]
    wanted = [f"tag {key}={value}" for key, value in declared.tags.items()]
    wanted += [f"{path} in {', '.join(values)}" for path, values in declared.filters.items()]
    wanted += [f"id {', '.join(declared.ids)}"] if declared.ids else []
    return (
        f"action {name} would hit nothing: no {declared.type} with {' and '.join(wanted)}, "
        f"of which {declared.select} is selected"
    )

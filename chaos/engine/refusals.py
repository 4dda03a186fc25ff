"""Why a plan may not be run: it would break nothing, too much, or the wrong thing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chaos.actions.action import Revertible
from chaos.aws.resources import RESOURCE_KINDS, Resource
from chaos.aws.resources.kind import tags_of
from chaos.engine.environment import OpenEnvironment, OwnPlace
from chaos.engine.plan import PlannedAction, planned_ends
from chaos.model.environment import Protected
from chaos.model.experiment import Experiment
from chaos.model.problems import Refused


def refuse_unsafe(
    actions: Sequence[PlannedAction], experiment: Experiment, environment: OpenEnvironment
) -> None:
    """Go on only where nothing protected, nothing of our own and not too much would be hit.

    Raises:
        Refused: with the reason.
    """
    for planned in actions:
        for target in planned.targets:
            _refuse_protected(planned.name, target, environment.protected)
            _refuse_own(planned.name, target, environment.own_place)
    most = min(experiment.blast_radius.max_percent, environment.blast_radius.max_percent)
    _refuse_too_much(actions, most)


def _refuse_protected(name: str, target: Resource, protected: Protected) -> None:
    tags = tags_of(target.description)
    reasons = [f"tag {key}={value}" for key, value in protected.tags.items() & tags.items()]
    reasons += [f"id {target.id}"] if target.id in protected.ids else []
    if reasons:
        raise Refused(f"action {name} would hit {target.id}, which is protected ({reasons[0]})")


def _refuse_own(name: str, target: Resource, own: OwnPlace | None) -> None:
    if own is not None and target.id in {own.instance, own.subnet}:
        raise Refused(
            f"action {name} would hit {target.id}, on which this very process runs: "
            "it could not put it back"
        )


def _refuse_too_much(actions: Sequence[PlannedAction], most: float) -> None:
    """Refuse where more of a group is hit at one time than is allowed."""
    for (kind, group), hit in _most_at_once(actions).items():
        size = RESOURCE_KINDS[kind].group_size(actions[0].action.clients, group)
        share = 100 * len(hit) / max(size, len(hit))
        if share > most:
            raise Refused(
                f"{len(hit)} of {size} members of {group} would be hit at the same time: "
                f"{share:.0f} %, and blast_radius allows {most:g} %"
            )


def _most_at_once(actions: Sequence[PlannedAction]) -> Mapping[tuple[str, str], set[str]]:
    """For each group, the largest set of members that are broken at the same time."""
    most: dict[tuple[str, str], set[str]] = {}
    spans = list(_spans(actions))
    for moment in {start for start, _, _ in spans}:
        hit: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for start, end, planned in spans:
            if start == moment or start < moment < end:
                _add_members(planned, hit)
        for group, members in hit.items():
            most[group] = max(most.get(group, set()), members, key=len)
    return most


def _spans(actions: Sequence[PlannedAction]) -> Iterator[tuple[float, float, PlannedAction]]:
    """From when until when each action has its effect; without an undo, for good."""
    ends = planned_ends(actions)
    for planned in actions:
        end = ends[planned.name]
        lasts = isinstance(planned.action, Revertible)
        yield end - planned.duration, end if lasts else math.inf, planned


def _add_members(planned: PlannedAction, hit: dict[tuple[str, str], set[str]]) -> None:
    for target in planned.targets:
        if target.group is not None and planned.action.resource is not None:
            hit[planned.action.resource, target.group].add(target.id)

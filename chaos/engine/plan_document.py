"""A plan as a file: reviewed by people, run later exactly as it is, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from chaos.engine.plan import Plan, PlannedAction
from chaos.model.experiment import Experiment
from chaos.model.problems import InvalidInput, Problem, Refused
from chaos.model.secrets import has_written_password


class PlannedTarget(BaseModel):
    """One resource that would be hit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    zone: str | None
    name: str
    group: str | None


class ActionDocument(BaseModel):
    """One action, with its calls and its undo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    action: str
    parameters: dict[str, Any]
    targets: tuple[PlannedTarget, ...]
    at: float
    after: tuple[str, ...]
    duration: float
    calls: tuple[str, ...]
    undo: tuple[str, ...]


class PlanDocument(BaseModel):
    """All that a run would do, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: Literal[1] = 1
    """The version of the format."""
    file: str
    experiment: Experiment
    environment: str
    account: str | None
    region: str | None
    seed: int
    actions: tuple[ActionDocument, ...]
    permissions: tuple[str, ...]


def document_of(plan: Plan, file: Path) -> PlanDocument:
    """The plan, for a file."""
    return PlanDocument(
        file=str(file.resolve()),
        experiment=plan.experiment,
        environment=plan.environment.name,
        account=plan.environment.account,
        region=plan.environment.region,
        seed=plan.seed,
        actions=tuple(_action(planned) for planned in plan.actions),
        permissions=tuple(plan.permissions),
    )


def _action(planned: PlannedAction) -> ActionDocument:
    return ActionDocument(
        name=planned.name,
        action=planned.action.id,
        parameters=planned.action.parameters.model_dump(mode="json", by_alias=True),
        targets=tuple(
            PlannedTarget(id=one.id, zone=one.zone, name=one.name, group=one.group)
            for one in planned.targets
        ),
        at=planned.at,
        after=planned.after,
        duration=planned.duration,
        calls=tuple(map(str, planned.inject_calls)),
        undo=tuple(map(str, planned.revert_calls)),
    )


def write_plan(document: PlanDocument, file: Path) -> None:
    """Save a plan.

    Raises:
        Refused: a probe has a password that would be missing in it.
    """
    experiment = document.experiment
    for probe in (*experiment.steady_state, *experiment.probes.values()):
        if has_written_password(probe):
            raise Refused(
                f"a saved plan holds no secrets, and without its password the probe {probe} "
                "could not ask: write ${env:NAME} in its place"
            )
    file.write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_plan(file: Path) -> PlanDocument:
    """Read a saved plan.

    Raises:
        InvalidInput: it is none, or one of another version.
    """
    try:
        return PlanDocument.model_validate_json(file.read_bytes())
    except OSError as error:
        raise InvalidInput(Problem((error.strerror or str(error)).lower(), file)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        problem = Problem(f"not a saved plan: {where}: {first['msg'].lower()}", file)
        raise InvalidInput(problem) from error


def is_plan(file: Path) -> bool:
    """Whether the file is a saved plan rather than an experiment, judged by its name."""
    return file.suffix == ".json"


def drift(saved: PlanDocument, now: PlanDocument) -> Iterator[str]:
    """What has changed in the world since the plan was saved, a line each."""
    for what in ("environment", "account", "region"):
        before, after = getattr(saved, what), getattr(now, what)
        if before != after:
            yield f"{what}: was {before}, is {after}"
    present = {action.name: action for action in now.actions}
    for action in saved.actions:
        if action.name not in present:
            yield f"{action.name}: would find nothing any more"
        else:
            yield from _action_drift(action, present[action.name])
    known = {action.name for action in saved.actions}
    yield from (f"{name}: is new" for name in present if name not in known)


def _action_drift(before: ActionDocument, after: ActionDocument) -> Iterator[str]:
    was = {target.id: target for target in before.targets}
    now = {target.id: target for target in after.targets}
    yield from (f"{before.name}: {one} would no longer be hit" for one in was if one not in now)
    yield from (f"{before.name}: {one} would be hit as well" for one in now if one not in was)
    for one in was.keys() & now.keys():
        if was[one] != now[one]:
            yield f"{before.name}: {one} is in another zone or group now"
    if set(was) == set(now) and (before.calls, before.undo) != (after.calls, after.undo):
        yield f"{before.name}: other calls would be made: {'; '.join(after.calls) or 'none'}"

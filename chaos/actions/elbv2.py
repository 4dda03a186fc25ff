"""Faults of load balancers. FIS has none of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from chaos.actions.action import Action, ApiCall, CannotRevert, Parameters, Revertible, State
from chaos.actions.ec2 import GONE, states_of
from chaos.aws.resources import Resource
from chaos.model.problems import Refused

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

_DEREGISTERED = "draining"
"""The state of a target that is still shown, until its last requests are over."""


class DeregisterTargetsParameters(Parameters):
    """How long they stay out is the action's `duration`."""

    target_group: str | None = Field(
        default=None,
        alias="targetGroup",
        description="The ARN or name of the only target group to take them out of.",
    )


class Registered(BaseModel):
    """One target as it was registered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target_group: str
    """Its ARN."""
    id: str
    port: int

    @property
    def target(self) -> dict[str, Any]:
        """As the API takes it."""
        return {"Id": self.id, "Port": self.port}


class RegisteredTargets(State):
    """All that is to be registered again."""

    targets: tuple[Registered, ...]


class DeregisterTargets(Action, Revertible):
    """Take instances out of load balancing; register again those that were in it."""

    id = "aws:elbv2:deregister-targets"
    resource = "aws:ec2:instance"
    permissions = (
        "ec2:DescribeInstances",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:RegisterTargets",
    )
    Parameters = DeregisterTargetsParameters
    State = RegisteredTargets

    def capture(self, targets: Sequence[Resource]) -> RegisteredTargets:
        """In which target groups each instance is registered now, and at which ports.

        One that does not run gets no requests, and could not be registered again: it is left.

        Raises:
            Refused: none of them runs and is registered.
        """
        ids = sorted(target.id for target in targets)
        running = self._running(ids)
        groups = self._groups()
        found = [one for group in groups for one in self._registered(group) if one.id in running]
        if not found:
            where = self.parameters.target_group or "any target group"
            raise Refused(f"none of {', '.join(ids)} runs and is registered with {where}")
        return RegisteredTargets(targets=tuple(found))

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - only what is registered is deregistered
        state: RegisteredTargets,
    ) -> list[ApiCall]:
        """One DeregisterTargets for each target group."""
        return list(_calls("deregister_targets", state.targets))

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: RegisteredTargets,
    ) -> bool:
        """Whether none gets new requests any more; those under way may go on."""
        return set(self._missing(state)) == set(state.targets)

    def revert_calls(self, state: RegisteredTargets) -> list[ApiCall]:
        """One RegisterTargets for each target group."""
        return list(_calls("register_targets", state.targets))

    def revert(self, state: RegisteredTargets) -> None:
        """Register those that are missing and run; one that does not is for the next time."""
        missing = self._missing(state)
        gone = self._gone(missing)
        running = self._running(sorted({one.id for one in missing}))
        able = [one for one in missing if one.id in running and one not in gone]
        for call in _calls("register_targets", able):
            call.make(self.clients)
        if gone:
            names = ", ".join(sorted({one.id for one in gone}))
            raise CannotRevert(f"terminated, or without their target group, meanwhile: {names}")

    def verify(self, state: RegisteredTargets) -> bool:
        """Whether all are registered that still can be."""
        missing = self._missing(state)
        return set(missing) == self._gone(missing)

    @property
    def _elbv2(self) -> ElasticLoadBalancingv2Client:
        client: ElasticLoadBalancingv2Client = self.clients.client("elbv2")
        return client

    def _running(self, ids: Sequence[str]) -> set[str]:
        """Those that run: AWS registers no others."""
        return {one for one, state in states_of(self.clients, ids).items() if state == "running"}

    def _groups(self) -> list[str]:
        """The ARNs of the target groups of instances that are meant."""
        wanted = self.parameters.target_group
        pages = self._elbv2.get_paginator("describe_target_groups").paginate()
        return [
            group["TargetGroupArn"]
            for page in pages
            for group in page["TargetGroups"]
            if group.get("TargetType", "instance") == "instance"
            and wanted in {None, group["TargetGroupArn"], group["TargetGroupName"]}
        ]

    def _registered(self, group: str) -> Iterator[Registered]:
        answer = self._elbv2.describe_target_health(TargetGroupArn=group)
        for one in answer["TargetHealthDescriptions"]:
            target = one["Target"]
            if one["TargetHealth"]["State"] != _DEREGISTERED:
                yield Registered(target_group=group, id=target["Id"], port=target["Port"])

    def _missing(self, state: RegisteredTargets) -> list[Registered]:
        """Those that are not registered now, in their order."""
        existing = set(self._groups())
        groups = {one.target_group for one in state.targets} & existing
        now = {one for group in groups for one in self._registered(group)}
        return [one for one in state.targets if one not in now]

    def _gone(self, missing: Sequence[Registered]) -> set[Registered]:
        """Those that nobody can register again."""
        states = states_of(self.clients, sorted({one.id for one in missing}))
        existing = set(self._groups())
        return {
            one for one in missing if states[one.id] in GONE or one.target_group not in existing
        }


def _calls(operation: str, targets: Iterable[Registered]) -> Iterator[ApiCall]:
    """One call for each target group."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for one in targets:
        by_group.setdefault(one.target_group, []).append(one.target)
    for group, members in by_group.items():
        yield ApiCall("elbv2", operation, {"TargetGroupArn": group, "Targets": members})

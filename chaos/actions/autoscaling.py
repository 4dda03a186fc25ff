"""Faults of Auto Scaling groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from chaos.actions.action import Action, ApiCall, CannotRevert, Parameters, Revertible, State
from chaos.aws.resources import Resource
from chaos.aws.resources.autoscaling import AutoScalingGroups
from chaos.aws.vpc import zones_of_subnets
from chaos.model.problems import Refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


class ExcludeAvailabilityZoneParameters(Parameters):
    """Named as in the FIS action that this one stands in for."""

    zones: tuple[str, ...] = Field(
        alias="availabilityZoneIdentifiers",
        min_length=1,
        description="The zones in which nothing is to be launched.",
    )


class NarrowedGroup(BaseModel):
    """One group, and the subnets it launches into, in its own order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    before: tuple[str, ...]
    during: tuple[str, ...]

    @property
    def removed(self) -> tuple[str, ...]:
        """Those that are to come back."""
        return tuple(subnet for subnet in self.before if subnet not in self.during)

    def restored(self, now: Sequence[str]) -> tuple[str, ...]:
        """What to set if the group has these now: as before, or also what others have changed."""
        if tuple(now) == self.during:
            return self.before
        return (*now, *(subnet for subnet in self.removed if subnet not in now))


class NarrowedGroups(State):
    """All of them."""

    groups: tuple[NarrowedGroup, ...]


class ExcludeAvailabilityZone(Action, Revertible):
    """Keep groups from launching in an Availability Zone, by taking its subnets from them.

    FIS does that with `aws:ec2:asg-insufficient-instance-capacity-error`, for which only FIS itself
    can make AWS answer so. The effect that an application sees is the same, that replacements come
    up in other zones, with one difference: AWS also moves members which still run in the zone out
    of it, unless the group's AZRebalance process is suspended.
    """

    id = "aws:autoscaling:exclude-availability-zone"
    resource = "aws:ec2:autoscaling-group"
    permissions = (
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:UpdateAutoScalingGroup",
        "ec2:DescribeSubnets",
    )
    Parameters = ExcludeAvailabilityZoneParameters
    State = NarrowedGroups

    def capture(self, targets: Sequence[Resource]) -> NarrowedGroups:
        """The subnets of each group, with and without those of the zones.

        Raises:
            Refused: a group would have none left.
        """
        before = {target.id: _subnets(target.description) for target in targets}
        ec2: EC2Client = self.clients.client("ec2")
        zone_of = zones_of_subnets(ec2, [one for subnets in before.values() for one in subnets])
        return NarrowedGroups(
            groups=tuple(self._narrowed(name, before[name], zone_of) for name in before)
        )

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - the state says all
        state: NarrowedGroups,
    ) -> list[ApiCall]:
        """One UpdateAutoScalingGroup for each."""
        return [_update(one.name, one.during) for one in state.groups if one.removed]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: NarrowedGroups,
    ) -> bool:
        """Whether no group has a subnet in the zones any more."""
        now = self._now(state)
        return all(set(one.removed).isdisjoint(now.get(one.name, ())) for one in state.groups)

    def revert_calls(self, state: NarrowedGroups) -> list[ApiCall]:
        """One UpdateAutoScalingGroup for each."""
        return [_update(one.name, one.before) for one in state.groups if one.removed]

    def revert(self, state: NarrowedGroups) -> None:
        """Give back the subnets that were taken; what else was changed meanwhile stays so."""
        now = self._now(state)
        for one in state.groups:
            if one.name in now and not set(one.removed) <= set(now[one.name]):
                _update(one.name, one.restored(now[one.name])).make(self.clients)
        gone = [one.name for one in state.groups if one.name not in now]
        if gone:
            raise CannotRevert(f"deleted meanwhile by someone else: {', '.join(gone)}")

    def verify(self, state: NarrowedGroups) -> bool:
        """Whether each group that is still there has its subnets."""
        now = self._now(state)
        return all(set(one.removed) <= set(now.get(one.name, one.removed)) for one in state.groups)

    def _narrowed(
        self, name: str, before: tuple[str, ...], zone_of: Mapping[str, str]
    ) -> NarrowedGroup:
        during = tuple(one for one in before if zone_of.get(one) not in self.parameters.zones)
        if not during:
            zones = ", ".join(self.parameters.zones)
            raise Refused(f"group {name} has no subnet outside {zones}, and it must keep one")
        return NarrowedGroup(name=name, before=before, during=during)

    def _now(self, state: NarrowedGroups) -> dict[str, tuple[str, ...]]:
        names = [one.name for one in state.groups]
        found = AutoScalingGroups().find(self.clients, names, {}) if names else ()
        return {group.id: _subnets(group.description) for group in found}


def _subnets(group: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filter(None, group.get("VPCZoneIdentifier", "").split(",")))


def _update(name: str, subnets: Iterable[str]) -> ApiCall:
    return ApiCall(
        "autoscaling",
        "update_auto_scaling_group",
        {"AutoScalingGroupName": name, "VPCZoneIdentifier": ",".join(subnets)},
    )

"""Faults of Auto Scaling groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from chaos.actions.action import Action, ApiCall, CannotRevert, Parameters, Revertible, State
from chaos.aws.factory import ClientFactory
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
        now = _groups(self.clients, [one.name for one in state.groups])
        return {name: _subnets(group) for name, group in now.items()}


def _groups(clients: ClientFactory, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What AWS says now of those groups that there are, by name."""
    found = AutoScalingGroups().find(clients, names, {}) if names else ()
    return {group.id: group.description for group in found}


def _subnets(group: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filter(None, group.get("VPCZoneIdentifier", "").split(",")))


def _update(name: str, subnets: Iterable[str]) -> ApiCall:
    return ApiCall(
        "autoscaling",
        "update_auto_scaling_group",
        {"AutoScalingGroupName": name, "VPCZoneIdentifier": ",".join(subnets)},
    )


Process = Literal[
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
]
"""What a group does by itself, in AWS's words.

Source: Amazon EC2 Auto Scaling User Guide, "Suspend and resume Amazon EC2 Auto Scaling processes".
"""


class SuspendProcessesParameters(Parameters):
    """How long they are suspended is the action's `duration`."""

    processes: tuple[Process, ...] = Field(
        default=get_args(Process),
        min_length=1,
        description=f"Of {', '.join(get_args(Process))}; all of them where it is left out.",
    )


class SuspendedProcesses(State):
    """By name of the group, the processes that were not suspended before."""

    groups: dict[str, tuple[str, ...]]


class SuspendProcesses(Action, Revertible):
    """Keep groups from launching, replacing, or what else they do; resume what went on before.

    An instance that is launched while AddToLoadBalancer is suspended is not registered later
    either: that is left to whoever launched it, by AWS as well as here.
    """

    id = "aws:autoscaling:suspend-processes"
    resource = "aws:ec2:autoscaling-group"
    permissions = (
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:ResumeProcesses",
        "autoscaling:SuspendProcesses",
    )
    Parameters = SuspendProcessesParameters
    State = SuspendedProcesses

    def capture(self, targets: Sequence[Resource]) -> SuspendedProcesses:
        """Which of the processes go on in each group now."""
        now = self._suspended([target.id for target in targets])
        wanted = self.parameters.processes
        return SuspendedProcesses(
            groups={name: tuple(one for one in wanted if one not in now[name]) for name in now}
        )

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - the state says all
        state: SuspendedProcesses,
    ) -> list[ApiCall]:
        """One SuspendProcesses for each group in which any of them goes on."""
        return _process_calls("suspend_processes", state.groups)

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: SuspendedProcesses,
    ) -> bool:
        """Whether all of them are suspended."""
        now = self._suspended(list(state.groups))
        return all(now[name].issuperset(state.groups[name]) for name in now)

    def revert_calls(self, state: SuspendedProcesses) -> list[ApiCall]:
        """One ResumeProcesses for each group, of what was not suspended before."""
        return _process_calls("resume_processes", state.groups)

    def revert(self, state: SuspendedProcesses) -> None:
        """Resume those that are still suspended of those that were not before."""
        for call in _process_calls("resume_processes", self._left(state)):
            call.make(self.clients)
        gone = state.groups.keys() - self._suspended(list(state.groups)).keys()
        if gone:
            raise CannotRevert(f"deleted meanwhile by someone else: {', '.join(sorted(gone))}")

    def verify(self, state: SuspendedProcesses) -> bool:
        """Whether all of them go on in each group that is still there."""
        return not any(self._left(state).values())

    def _left(self, state: SuspendedProcesses) -> dict[str, list[str]]:
        """What is to be resumed, by group."""
        now = self._suspended(list(state.groups))
        return {name: [one for one in state.groups[name] if one in now[name]] for name in now}

    def _suspended(self, names: Sequence[str]) -> dict[str, set[str]]:
        """The suspended processes of each group that is there."""
        return {
            name: {process["ProcessName"] for process in group["SuspendedProcesses"]}
            for name, group in _groups(self.clients, names).items()
        }


def _process_calls(operation: str, groups: Mapping[str, Sequence[str]]) -> list[ApiCall]:
    """One for each group that has any; without a list AWS would take all processes."""
    return [
        ApiCall(
            "autoscaling",
            operation,
            {"AutoScalingGroupName": name, "ScalingProcesses": list(processes)},
        )
        for name, processes in groups.items()
        if processes
    ]

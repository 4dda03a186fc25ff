"""Faults of EC2 instances, with the names and parameters of AWS FIS.

Source: AWS FIS User Guide, "AWS FIS actions reference", Amazon EC2 actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from chaos.actions.action import Action, ApiCall, CannotRevert, Parameters, Revertible, State
from chaos.aws.batches import FILTER_VALUES, INSTANCE_IDS, in_batches
from chaos.aws.factory import ClientFactory
from chaos.aws.resources import Resource

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

GONE = frozenset({"shutting-down", "terminated"})
"""States of an instance that will never run again."""


def _ids(targets: Iterable[Resource]) -> list[str]:
    return [target.id for target in targets]


def states_of(clients: ClientFactory, ids: Sequence[str]) -> dict[str, str]:
    """The state of each instance by id; one that AWS has already forgotten is `terminated`."""
    states = dict.fromkeys(ids, "terminated")
    for batch in in_batches(ids, INSTANCE_IDS):
        states |= _described(clients, batch)
    return states


def _described(clients: ClientFactory, ids: Sequence[str]) -> dict[str, str]:
    """Asked for by id, or where one is unknown, which fails that call, by filters."""
    from botocore.exceptions import ClientError

    try:
        return _states(clients, InstanceIds=ids)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInstanceID.NotFound":
            raise
    known: dict[str, str] = {}
    for batch in in_batches(ids, FILTER_VALUES):
        known |= _states(clients, Filters=[{"Name": "instance-id", "Values": batch}])
    return known


def _states(clients: ClientFactory, **which: Any) -> dict[str, str]:
    ec2: EC2Client = clients.client("ec2")
    return {
        instance["InstanceId"]: instance["State"]["Name"]
        for page in ec2.get_paginator("describe_instances").paginate(**which)
        for reservation in page["Reservations"]
        for instance in reservation.get("Instances", ())
    }


def _calls(
    operation: str, ids: Sequence[str], parameters: Mapping[str, Any] | None = None
) -> list[ApiCall]:
    """The operation on all of the instances: one call, or more where AWS takes no longer list."""
    return [
        ApiCall("ec2", operation, {"InstanceIds": batch, **(parameters or {})})
        for batch in in_batches(ids, INSTANCE_IDS)
    ]


class StopInstancesParameters(Parameters):
    """As in FIS; how long they stay stopped is the action's `duration`."""

    force: bool = Field(default=False, description="Stop without letting the system shut down.")
    tolerate_terminated: bool = Field(
        default=False,
        alias="completeIfInstancesTerminated",
        description="An instance that was terminated meanwhile (as a group does) is no failure.",
    )


class StoppedInstances(State):
    """Which instances were running and are to run again."""

    running: tuple[str, ...]


class StopInstances(Action, Revertible):
    """Stop instances; start those again that were running."""

    id = "aws:ec2:stop-instances"
    resource = "aws:ec2:instance"
    permissions = ("ec2:DescribeInstances", "ec2:StopInstances", "ec2:StartInstances")
    Parameters = StopInstancesParameters
    State = StoppedInstances

    def capture(self, targets: Sequence[Resource]) -> StoppedInstances:
        """Which of the targets run now."""
        states = states_of(self.clients, _ids(targets))
        running = (i for i, state in states.items() if state in {"pending", "running"})
        return StoppedInstances(running=tuple(running))

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - only those that run are stopped
        state: StoppedInstances,
    ) -> list[ApiCall]:
        """StopInstances for those that run."""
        force = {"Force": True} if self.parameters.force else {}
        return _calls("stop_instances", state.running, force)

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: StoppedInstances,
    ) -> bool:
        """Whether all of them are stopped (or gone)."""
        return set(self._now(state).values()) <= {"stopped", *GONE}

    def revert_calls(self, state: StoppedInstances) -> list[ApiCall]:
        """StartInstances for those that ran before."""
        return _calls("start_instances", state.running)

    def revert(self, state: StoppedInstances) -> None:
        """Start those that are stopped; one that is still stopping is for the next time."""
        now = self._now(state)
        gone = [instance for instance, name in now.items() if name in GONE]
        stopped = [instance for instance, name in now.items() if name == "stopped"]
        for call in _calls("start_instances", stopped):
            call.make(self.clients)
        if gone and not self.parameters.tolerate_terminated:
            raise CannotRevert(f"terminated meanwhile by someone else: {', '.join(gone)}")

    def verify(self, state: StoppedInstances) -> bool:
        """Whether all that ran before run again (or are gone, where that is tolerated)."""
        return set(self._now(state).values()) <= {"running", *GONE}

    def _now(self, state: StoppedInstances) -> dict[str, str]:
        return states_of(self.clients, state.running)


class RebootInstances(Action):
    """Reboot instances."""

    id = "aws:ec2:reboot-instances"
    resource = "aws:ec2:instance"
    permissions = ("ec2:DescribeInstances", "ec2:RebootInstances")
    no_undo = "an instance comes back from a reboot by itself"

    def inject_calls(
        self,
        targets: Sequence[Resource],
        state: State,  # noqa: ARG002
    ) -> list[ApiCall]:
        """RebootInstances; EC2 shows no state for it, so its acceptance is the confirmation."""
        return _calls("reboot_instances", _ids(targets))


class TerminateInstances(Action):
    """Terminate instances for good."""

    id = "aws:ec2:terminate-instances"
    resource = "aws:ec2:instance"
    permissions = ("ec2:DescribeInstances", "ec2:TerminateInstances")
    no_undo = "a terminated instance cannot be had back; its Auto Scaling group replaces it"

    def inject_calls(
        self,
        targets: Sequence[Resource],
        state: State,  # noqa: ARG002
    ) -> list[ApiCall]:
        """TerminateInstances."""
        return _calls("terminate_instances", _ids(targets))

    def injected(
        self,
        targets: Sequence[Resource],
        state: State,  # noqa: ARG002
    ) -> bool:
        """Whether all of them are shutting down or gone."""
        return set(states_of(self.clients, _ids(targets)).values()) <= GONE

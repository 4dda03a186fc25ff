"""A switch that puts things back when the runner no longer can.

Before a fault is injected, one-shot schedules are made in the account that make the calls of its
undo some time after it should have ended. A normal undo deletes them. If the runner is killed and
nothing else is done, AWS heals itself.

Source: Amazon EventBridge Scheduler User Guide, "Using universal targets".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from chaos.actions.action import ApiCall, Revertible, ToBeKnown
from chaos.aws.factory import ClientFactory
from chaos.engine.environment import OpenEnvironment
from chaos.model.environment import DeadMansSwitchSettings

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

LONGEST_NAME = 64
"""Characters that Scheduler allows in a schedule's name."""

_SERVICES = {"elbv2": "elasticloadbalancingv2"}
"""Where Scheduler calls a service other than boto3 does."""


class Safeguard(Protocol):
    """What heals when nobody else does."""

    def arm(self, name: str, action: Revertible, state: BaseModel, ends_at: float) -> None:
        """Undo that action's fault after `ends_at` (seconds since the epoch), unless disarmed.

        May be called again, for another time. Raises what boto3 raises.
        """

    def disarm(self, name: str) -> None:
        """The fault is undone: there is nothing left to heal. Raises what boto3 raises."""


class NoSafeguard:
    """For environments that have none."""

    def arm(self, name: str, action: Revertible, state: BaseModel, ends_at: float) -> None:
        """Nothing is armed."""

    def disarm(self, name: str) -> None:
        """Nothing was armed."""


@dataclass(frozen=True)
class DeadMansSwitch:
    """Safeguards of one run, as schedules of EventBridge Scheduler."""

    clients: ClientFactory
    run_id: str
    settings: DeadMansSwitchSettings

    def arm(self, name: str, action: Revertible, state: BaseModel, ends_at: float) -> None:
        """See `Safeguard`. An undo that can only be known after the injection is not armed."""
        scheduler: EventBridgeSchedulerClient = self.clients.client("scheduler")
        calls = action.revert_calls(state)
        if any(
            isinstance(value, ToBeKnown) for call in calls for value in call.parameters.values()
        ):
            return
        existing = set(self._names(name))
        for number, call in enumerate(calls):
            schedule = f"{self._prefix(name)}{number}"
            make = scheduler.update_schedule if schedule in existing else scheduler.create_schedule
            make(
                Name=schedule,
                ScheduleExpression=f"at({_moment(ends_at + self.settings.grace)})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                State="ENABLED",
                Description=f"undo of {name} in run {self.run_id}, if nobody else does",
                Target={
                    "Arn": universal_target(call),
                    "RoleArn": self.settings.role_arn,
                    "Input": json.dumps(dict(call.parameters)),
                },
            )

    def disarm(self, name: str) -> None:
        """See `Safeguard`; what is gone already is no error."""
        scheduler: EventBridgeSchedulerClient = self.clients.client("scheduler")
        for schedule in self._names(name):
            scheduler.delete_schedule(Name=schedule)

    def _names(self, name: str) -> Iterator[str]:
        scheduler: EventBridgeSchedulerClient = self.clients.client("scheduler")
        pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=self._prefix(name))
        for page in pages:
            yield from (schedule["Name"] for schedule in page["Schedules"])

    def _prefix(self, name: str) -> str:
        """The same for a run and its recovery; two actions of a run never share one."""
        slug = re.sub(r"[^0-9A-Za-z_.-]", "-", f"{name}-{self.run_id}")
        return f"chaos-{slug}"[: LONGEST_NAME - 4] + "."


def safeguard_of(environment: OpenEnvironment, run_id: str) -> Safeguard:
    """The safeguard that the environment allows."""
    settings = environment.dead_mans_switch
    if settings is None or environment.clients is None:
        return NoSafeguard()
    return DeadMansSwitch(environment.clients, run_id, settings)


def universal_target(call: ApiCall) -> str:
    """The ARN by which Scheduler makes a call: `arn:aws:scheduler:::aws-sdk:ec2:startInstances`."""
    first, *rest = call.operation.split("_")
    operation = first + "".join(_capital(word) for word in rest)
    return f"arn:aws:scheduler:::aws-sdk:{_SERVICES.get(call.service, call.service)}:{operation}"


def _capital(word: str) -> str:
    """As the API spells it: `start_db_instance` is `startDBInstance`."""
    return "DB" if word == "db" else word.capitalize()


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")

"""EventBridge Scheduler's one-shot schedules, carried out: moto only keeps them.

AWS runs a schedule within the minute of its time, with the rights of its role. The lab does so
within a second, for `at(...)` expressions with universal targets
(`arn:aws:scheduler:::aws-sdk:...`); `rate`, `cron`, other targets and the role's rights are not
simulated.
"""

from __future__ import annotations

import json
import re
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from chaos.lab.truth import TruthKind, TruthLog

LOOK_EVERY = 0.5
"""Seconds between two looks at the schedules."""

_AT = re.compile(r"at\((.+)\)")
_UNIVERSAL = re.compile(r"arn:aws:scheduler:::aws-sdk:(\w+):(\w+)")
_BOTO_NAMES = {"elasticloadbalancingv2": "elbv2"}


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose time has come."""

    name: str
    service: str
    operation: str
    """As Scheduler spells it: `startInstances`."""
    input: dict[str, Any]
    is_deleted_after: bool


class Schedules:
    """Looks at moto's schedules and carries out those that are due, once."""

    def __init__(self, backend: Any, make_client: Callable[[str], Any], truth: TruthLog) -> None:
        """`backend` is moto's of Scheduler; `make_client` makes boto3 clients of the lab."""
        self._backend = backend
        self._make_client = make_client
        self._truth = truth
        self._done: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._end.set()

    def _run(self) -> None:
        while not self._end.wait(LOOK_EVERY):
            try:
                for due in due_schedules(self._backend, datetime.now(UTC)):
                    if due.name not in self._done:
                        self._carry_out(due)
            except Exception:  # noqa: BLE001 - one schedule must not keep the others from theirs
                traceback.print_exc()

    def _carry_out(self, due: Due) -> None:
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        self._done.add(due.name)
        client = self._make_client(_BOTO_NAMES.get(due.service, due.service))
        try:
            getattr(client, xform_name(due.operation))(**due.input)
            said = "made its call"
        except (AttributeError, BotoCoreError, ClientError) as error:
            said = f"was refused: {error}"
        self._truth.record(
            TruthKind.SCHEDULE_RUN, due.name, f"{said}, {due.service}:{due.operation}"
        )
        if due.is_deleted_after:
            self._make_client("scheduler").delete_schedule(Name=due.name)


def due_schedules(backend: Any, now: datetime) -> list[Due]:
    """The one-shot schedules with a universal target whose time is not after `now`."""
    found = []
    for group in list(backend.schedule_groups.values()):
        for schedule in list(group.schedules.values()):
            target = _UNIVERSAL.fullmatch(schedule.target["Arn"])
            moment = _moment_of(schedule)
            if target and moment is not None and moment <= now and schedule.state != "DISABLED":
                given = json.loads(schedule.target.get("Input") or "{}")
                deleted = schedule.action_after_completion == "DELETE"
                found.append(Due(schedule.name, target[1], target[2], given, deleted))
    return found


def _moment_of(schedule: Any) -> datetime | None:
    at = _AT.fullmatch(schedule.schedule_expression)
    if not at:
        return None
    zone = ZoneInfo(schedule.schedule_expression_timezone or "UTC")
    return datetime.fromisoformat(at[1]).replace(tzinfo=zone)

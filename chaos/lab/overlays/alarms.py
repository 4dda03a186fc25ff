"""CloudWatch's alarms.

AWS: an alarm begins in INSUFFICIENT_DATA, keeps its state when it is put again, and its history
can be asked for.
moto: an alarm begins in OK, also when it is put again, and DescribeAlarmHistory is missing. Here
`chaos.lab.cloudwatch.alarms` evaluates alarms, and each change is in the history.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from chaos.lab.cloudwatch.alarm import AlarmState
from chaos.lab.overlays.wrapping import around

_MOST_ITEMS = 1000
"""Items of the history that are kept; AWS keeps those of 30 days."""


@dataclass(frozen=True, slots=True)
class _Item:
    alarm: str
    at: datetime
    kind: str
    summary: str
    data: str

    def to_api(self) -> dict[str, Any]:
        return {
            "AlarmName": self.alarm,
            "AlarmType": "MetricAlarm",
            "Timestamp": self.at,
            "HistoryItemType": self.kind,
            "HistorySummary": self.summary,
            "HistoryData": self.data,
        }


def install() -> None:
    """Change moto's alarms."""
    history: deque[_Item] = deque(maxlen=_MOST_ITEMS)

    def note(alarm: str, kind: str, summary: str, data: str = "{}") -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        history.append(_Item(alarm, now, kind, summary, data))

    @around(CloudWatchBackend, "put_metric_alarm")
    def put(original: Any, backend: Any, *args: Any, **kwargs: Any) -> Any:
        before = backend.alarms.get(kwargs["name"])
        alarm = original(backend, *args, **kwargs)
        if before is None:
            alarm.state_value = AlarmState.INSUFFICIENT_DATA.value
        else:
            alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
            alarm.state_reason_data = before.state_reason_data
            alarm.state_updated_timestamp = before.state_updated_timestamp
        done = "created" if before is None else "updated"
        note(alarm.name, "ConfigurationUpdate", f'Alarm "{alarm.name}" {done}')
        return alarm

    @around(Alarm, "update_state")
    def update(original: Any, alarm: Any, reason: str, reason_data: str, state_value: str) -> None:
        before, reason_data = alarm.state_value, reason_data or "{}"
        original(alarm, reason, reason_data, state_value)
        alarm.history.clear()  # moto's own, which nothing reads and nothing bounds.
        if before != state_value:
            data = _change(before, state_value, reason, reason_data)
            note(alarm.name, "StateUpdate", f"Alarm updated from {before} to {state_value}", data)

    def describe(response: Any) -> ActionResult:
        return ActionResult({"AlarmHistoryItems": _found(history, response._get_params())})  # noqa: SLF001 - moto's own

    CloudWatchResponse.describe_alarm_history = describe  # A call that moto does not have.


def _change(before: str, after: str, reason: str, reason_data: str) -> str:
    new = {"stateValue": after, "stateReason": reason, "stateReasonData": json.loads(reason_data)}
    return json.dumps({"version": "1.0", "oldState": {"stateValue": before}, "newState": new})


def _found(history: deque[_Item], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items that were asked for, the latest first unless asked otherwise."""
    items = [
        item
        for item in list(history)
        if asked.get("AlarmName") in (None, item.alarm)
        and asked.get("HistoryItemType") in (None, item.kind)
        and (not asked.get("StartDate") or _naive(asked["StartDate"]) <= item.at)
        and (not asked.get("EndDate") or item.at <= _naive(asked["EndDate"]))
    ]
    if asked.get("ScanBy") != "TimestampAscending":
        items.reverse()
    most = int(asked.get("MaxRecords") or len(items))
    return [item.to_api() for item in items[:most]]


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment

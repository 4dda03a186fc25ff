"""A schedule of EventBridge that runs a task of ECS, as a CloudFormation template."""

from __future__ import annotations

import json
from typing import Any

import yaml

from chaos.gameday.export.timing import (
    DAY_NAMES,
    cannot,
    command,
    cron_of,
    ranges,
    schedule_of,
    times_of,
)
from chaos.model.gameday_loading import LoadedGameDay

_PARAMETERS = {
    "Cluster": "The ARN of the ECS cluster",
    "TaskDefinition": "The ARN of a Fargate task definition with a container called chaos",
    "Role": "The ARN of a role that EventBridge Scheduler may assume to run the task",
}


def render(loaded: LoadedGameDay, image: str) -> str:
    """A template that makes the schedule; the task definition (with its image) is yours."""
    task = {
        "TaskDefinitionArn": {"Ref": "TaskDefinition"},
        "LaunchType": "FARGATE",
        "TaskCount": 1,
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {"Subnets": {"Ref": "Subnets"}, "AssignPublicIp": "DISABLED"}
        },
    }
    override = {"containerOverrides": [{"name": "chaos", "command": command(loaded)}]}
    properties = {
        "Description": loaded.gameday.title,
        "ScheduleExpression": _expression(loaded),
        "ScheduleExpressionTimezone": str(loaded.gameday.timezone),
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": {"Ref": "Cluster"},
            "RoleArn": {"Ref": "Role"},
            "EcsParameters": task,
            "Input": json.dumps(override),
            "RetryPolicy": {"MaximumRetryAttempts": 0},
        },
    }
    parameters: dict[str, Any] = {
        name: {"Type": "String", "Description": what} for name, what in _PARAMETERS.items()
    }
    parameters["Subnets"] = {"Type": "List<AWS::EC2::Subnet::Id>"}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Runs the game day {loaded.name} on its schedule; its task uses {image}",
        "Parameters": parameters,
        "Resources": {"GameDay": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}},
    }
    return yaml.safe_dump(template, sort_keys=False, allow_unicode=True, width=100)


def _expression(loaded: LoadedGameDay) -> str:
    schedule = schedule_of(loaded)
    if schedule.at:
        return f"at({schedule.at:%Y-%m-%dT%H:%M:%S})"
    times = times_of(cron_of(loaded, "EventBridge"))
    if not (times.any_day or times.any_weekday):
        raise cannot(loaded, "EventBridge restricts the day of the month or of the week, not both")
    day = "?" if not times.any_weekday else "*" if times.any_day else ranges(times.days)
    weekday = ",".join(DAY_NAMES[one] for one in times.weekdays) if day == "?" else "?"
    fields = (
        ranges(times.minutes),
        ranges(times.hours),
        day,
        "*" if len(times.months) == 12 else ranges(times.months),  # noqa: PLR2004 - a year
        weekday,
        "*",
    )
    return f"cron({' '.join(fields)})"

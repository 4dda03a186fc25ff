"""The same schedule for other schedulers: each text is read back by something that knows it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cronsim import CronSim

from chaos.gameday.calendar import MINUTE, next_occurrence, occurrences
from chaos.gameday.due import due_now
from chaos.gameday.export import FORMATS, export
from chaos.model.problems import InvalidInput
from tests.gameday_parts import BERLIN, at, gameday, loaded, shown

THURSDAY = {"cron": "0 10 * * THU"}


def exported(tmp_path: Path, to: str, **fields: Any) -> str:
    """A game day's schedule in that format."""
    return export(loaded(tmp_path, gameday(**{**BERLIN, **fields})), to, "repo/chaos:1")


def test_a_crontab_names_its_zone(tmp_path: Path) -> None:
    """And says which cron ignores it."""
    text = exported(tmp_path, "cron", schedule=THURSDAY)
    *head, zone, line = text.splitlines()
    assert all(one.startswith("#") for one in head)
    assert "Debian" in text
    assert zone == "CRON_TZ=Europe/Berlin"
    assert line.startswith("0 10 * * THU cd ")
    assert line.endswith("shop.yaml --scheduled")


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("0 10 * * THU", ["Thu *-*-* 10:00:00 Europe/Berlin"]),
        ("*/30 1,2 * * *", ["*-*-* 01,02:00,30:00 Europe/Berlin"]),
        ("5 0 1,15 3 *", ["*-03-01,15 00:05:00 Europe/Berlin"]),
        (
            "0 9 1 * MON",  # either is enough, as in cron
            ["*-*-01 09:00:00 Europe/Berlin", "Mon *-*-* 09:00:00 Europe/Berlin"],
        ),
    ],
)
def test_a_timer_of_systemd_says_the_same_as_cron(
    tmp_path: Path, cron: str, calendar: list[str]
) -> None:
    """And systemd reads it, where there is one."""
    text = exported(tmp_path, "systemd", schedule={"cron": cron, "missed": "run"})
    assert re.findall("OnCalendar=(.*)", text) == calendar
    assert "Persistent=true" in text
    analyze = shutil.which("systemd-analyze")
    for one in calendar if analyze else ():
        read = subprocess.run([analyze or "", "calendar", one], capture_output=True, check=False)
        assert read.returncode == 0, read.stderr


def test_a_date_goes_where_there_are_years(tmp_path: Path) -> None:
    """Systemd and EventBridge; the others say that they cannot."""
    once = {"at": "2026-12-03 10:00"}
    assert "OnCalendar=2026-12-03 10:00:00 Europe/Berlin" in exported(
        tmp_path, "systemd", schedule=once
    )
    assert "at(2026-12-03T10:00:00)" in exported(tmp_path, "eventbridge", schedule=once)
    for to in ("cron", "github", "kubernetes"):
        with pytest.raises(InvalidInput, match="a single date has no place in"):
            exported(tmp_path, to, schedule=once)


def test_a_workflow_of_github_runs_it_once_when_it_is_due(tmp_path: Path) -> None:
    """With the zone, which GitHub knows since 2026; by hand it runs in any case."""
    workflow = yaml.safe_load(exported(tmp_path, "github", schedule=THURSDAY))
    assert workflow["on"]["schedule"] == [{"cron": "0 10 * * THU", "timezone": "Europe/Berlin"}]
    steps = workflow["jobs"]["gameday"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert "'--scheduled'" in runs[-1]
    assert steps[-1]["if"] == "always()"
    with pytest.raises(InvalidInput, match="protect an environment"):
        exported(tmp_path, "github", schedule=THURSDAY, approval={"required": True})


def test_a_cron_job_of_kubernetes_is_never_started_twice(tmp_path: Path) -> None:
    """Neither beside itself nor again after a failure."""
    job = yaml.safe_load(exported(tmp_path, "kubernetes", schedule={**THURSDAY, "late": "20m"}))
    spec = job["spec"]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert (spec["schedule"], spec["timeZone"]) == ("0 10 * * THU", "Europe/Berlin")
    assert (spec["concurrencyPolicy"], spec["startingDeadlineSeconds"]) == ("Forbid", 1200)
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["command"][-1] == "--scheduled"


def test_a_schedule_of_eventbridge_is_what_its_api_takes(tmp_path: Path) -> None:
    """Checked against botocore's model of CreateSchedule."""
    import botocore.session
    from botocore.validate import validate_parameters

    text = exported(tmp_path, "eventbridge", schedule={"cron": "*/30 9-11 * * MON-FRI"})
    template = yaml.safe_load(text)
    values = {"Cluster": "arn:c", "TaskDefinition": "arn:t", "Role": "arn:r", "Subnets": ["s-1"]}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            ref = value.get("Ref")
            return values[ref] if ref else {k: filled(v) for k, v in value.items()}
        return value

    properties = filled(template["Resources"]["GameDay"]["Properties"])
    # CloudFormation writes two of the keys with a capital that the API does not have.
    network = properties["Target"]["EcsParameters"]["NetworkConfiguration"]
    network["awsvpcConfiguration"] = network.pop("AwsvpcConfiguration")
    model = botocore.session.get_session().get_service_model("scheduler")
    shape = model.operation_model("CreateSchedule").input_shape
    assert shape is not None
    validate_parameters({"Name": "gameday", **properties}, shape)
    assert properties["ScheduleExpression"] == "cron(0,30 9-11 ? * MON,TUE,WED,THU,FRI *)"
    assert properties["ScheduleExpressionTimezone"] == "Europe/Berlin"
    override = json.loads(properties["Target"]["Input"])["containerOverrides"][0]
    assert override["command"][:3] == ["chaos", "gameday", "run"]


@pytest.mark.parametrize("to", FORMATS)
def test_what_cannot_be_said_in_a_format_is_refused(tmp_path: Path, to: str) -> None:
    """Drawn days, and the signs that only some crons know."""
    for schedule, why in (
        ({"random": {"mean_days": 3}}, "known only to chaos gameday serve"),
        ({"cron": "0 9 * * MON#1"}, "knows neither L nor #"),
        ({"cron": "0 9 L * *"}, "knows neither L nor #"),
        (None, "it has no schedule"),
    ):
        with pytest.raises(InvalidInput, match=why):
            exported(tmp_path, to, schedule=schedule)


def test_sunday_is_written_so_that_every_cron_knows_it(tmp_path: Path) -> None:
    """As 0; not all know the 7."""
    job = yaml.safe_load(exported(tmp_path, "kubernetes", schedule={"cron": "0 9 * * 5-7"}))
    cron = job["spec"]["schedule"]
    assert cron == "0 9 * * 0,5-6"
    assert next(CronSim(cron, gameday_start())).isoformat() == "2026-01-02T09:00:00"


def gameday_start() -> Any:
    """New year 2026, a Thursday."""
    from datetime import datetime

    return datetime(2026, 1, 1)  # noqa: DTZ001 - only the days of the week matter


def test_a_command_started_on_time_finds_its_day_and_late_or_early_none() -> None:
    """Also where the start is spread, and where another's clock is a little ahead."""
    day = gameday(schedule={**THURSDAY, "late": "30m", "spread": "2h"}, **BERLIN)
    ten = at(day, "2026-12-03 10:00")
    found = due_now(day, ten - 20)
    assert found is not None
    assert shown(day, found.declared_for) == "2026-12-03 10:00+0100"
    assert found == next_occurrence(day, ten - 20)
    assert due_now(day, found.starts_at + 29 * MINUTE) == found
    assert due_now(day, found.starts_at + 31 * MINUTE) is None
    assert due_now(day, ten - 5 * MINUTE) is None
    assert due_now(gameday(), ten) is None
    assert list(occurrences(gameday(), 0, ten)) == []

"""What is written before and after a run: starter files, plans, and reports made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos_command import Chaos
from tests.lab_fixtures import RunningLab
from tests.test_main_job import EXPERIMENTS, STOP_ONE, write

pytestmark = pytest.mark.lab


@pytest.fixture
def chaos(tmp_path: Path, lab: RunningLab) -> Chaos:
    """The command, in an empty directory, with the lab as environment `shared`."""
    command = Chaos(tmp_path)
    command.use(lab)
    return command


def test_a_plan_changes_nothing(chaos: Chaos, lab: RunningLab) -> None:
    """It shows resources, calls, undo and permissions."""
    before = lab.ec2.describe_instances()["Reservations"]
    experiment = EXPERIMENTS / "stop-half-the-fleet.yaml"
    ran = chaos("plan", experiment, "--env", "shared", "--seed", "5")
    assert ran.returncode == 0, ran.stderr
    for words in ("ec2:stop_instances", "ec2:start_instances", "ec2:StopInstances", "us-east-1"):
        assert words in ran.stdout
    again = chaos("plan", experiment, "--env", "shared", "--seed", "5")
    assert again.stdout == ran.stdout
    assert lab.ec2.describe_instances()["Reservations"] == before


def test_a_saved_plan_is_run_as_it_is_or_refused(chaos: Chaos, lab: RunningLab) -> None:
    """The same instances as were reviewed; where the world has changed, what changed is listed."""
    experiment = write(chaos, STOP_ONE.replace("60s", "1s"))
    planned = chaos("plan", experiment, "--env", "shared", "--save", "plan.json", "--json")
    assert planned.returncode == 0, planned.stderr
    document = json.loads(planned.stdout)
    assert document == json.loads((chaos.directory / "plan.json").read_text())
    hit = [target["id"] for target in document["actions"][0]["targets"]]
    assert len(hit) == 2
    ran = chaos("run", "plan.json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert sorted(chaos.report()["actions"][0]["targets"]) == sorted(hit)
    the_report_can_be_made_again(chaos)
    lab.await_whole()
    lab.ec2.terminate_instances(InstanceIds=hit[:1])
    lab.await_whole()
    refused = chaos("run", "plan.json")
    assert refused.returncode == 2
    assert f"{hit[0]} would no longer be hit" in refused.stderr


def the_report_can_be_made_again(chaos: Chaos) -> None:
    """The same run gives the same report, to the byte."""
    directory = chaos.run_directory()
    names = ("report.json", "report.md", "report.html", "junit.xml", "timeline.csv")
    first = {name: (directory / name).read_bytes() for name in names}
    for name in names:
        (directory / name).unlink()
    assert chaos("report", directory.name).returncode == 0
    assert {name: (directory / name).read_bytes() for name in names} == first


def test_the_starter_files_run_as_they_are(chaos: Chaos) -> None:
    """`chaos init`, then `chaos run`."""
    assert chaos("init").returncode == 0
    ran = chaos("run", "experiment.yaml", "--env", "shared", "--plain")
    assert ran.returncode == 0, ran.stdout + ran.stderr

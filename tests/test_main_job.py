"""The main job in the lab: real faults, real load, a report that agrees with what happened."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest

from chaos.exit_codes import ExitCode
from chaos.lab import handle as lab_handle
from tests.chaos_command import ROOT, Chaos, shortened
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab

pytestmark = pytest.mark.lab

EXPERIMENTS = ROOT / "experiments"

JUDGED = (ExitCode.PASS, ExitCode.FAIL, ExitCode.INCONCLUSIVE)
"""However well the shop did while other tests used the machine."""

STOP_ONE = f"""
title: One stops
load: {{locustfile: {ROOT}/loadtests/shop.py, rate: 20/s}}
phases: {{baseline: 2s, recovery: 2s}}
targets:
  one: {{type: aws:ec2:instance, tags: {{app: shop}}, select: count(2)}}
actions:
  stop: {{action: aws:ec2:stop-instances, targets: one, duration: 60s}}
"""


@pytest.fixture
def chaos(tmp_path: Path) -> Chaos:
    """The command, in an empty directory."""
    return Chaos(tmp_path)


@pytest.mark.alone
def test_an_instance_is_terminated_and_the_group_heals_itself(chaos: Chaos) -> None:
    """The command brings up a lab, breaks it, and reports what the truth log confirms."""
    ran = chaos("run", EXPERIMENTS / "terminate-instance.yaml", "--plain")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = chaos.report()
    assert report["verdict"] == "pass"
    load = report["load"]
    assert load["planned"] == load["ok"] + load["failed"] + load["timed_out"] + load["not_sent"]
    assert load["failed"] + load["timed_out"] > 0  # the dip is in the numbers
    action = report["actions"][0]
    truth = [event for event in report["events"] if event["kind"] == "truth"]
    killed = next(e["at"] for e in truth if "was cut off and killed" in e["text"])
    assert killed == pytest.approx(action["inject_confirmed_at"], abs=0.5)
    removed = next(e["at"] for e in truth if "no longer a target" in e["text"])
    bad_until = action["inject_confirmed_at"] + action["recovered_after_s"]
    assert bad_until == pytest.approx(removed, abs=2.5)
    assert any("is healthy" in e["text"] and e["at"] > killed for e in truth)


def test_failed_requests_agree_with_the_load_balancers_own_count(
    chaos: Chaos, lab: RunningLab, tmp_path: Path
) -> None:
    """Half of the fleet stops for 6 s; the report counts what the balancer counts, within 1 %."""
    chaos.use(lab)
    file = shortened(
        "stop-half-the-fleet.yaml",
        tmp_path,
        ("{warmup: 3s, baseline: 10s, recovery: 15s}", "{baseline: 3s, recovery: 6s}"),
        ("duration: 20s", "duration: 6s"),
    )
    before = lab_handle.balancer_counts(lab.handle)
    ran = chaos("run", file, "--env", "shared", "--plain")
    after = lab_handle.balancer_counts(lab.handle)
    assert ran.returncode in JUDGED, ran.stdout + ran.stderr
    report = chaos.report()
    refused = after.answered_5xx - before.answered_5xx
    slices = (chaos.reports / "latest" / "slices.jsonl").read_text().splitlines()
    failed = sum(piece[2][1] for line in slices for piece in json.loads(line)["slices"])
    assert refused > 20
    assert failed == pytest.approx(refused, rel=0.01)
    assert report["actions"][0]["verified"] is True
    lab.await_whole()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_fault_puts_everything_back(
    chaos: Chaos, lab: RunningLab, number: signal.Signals
) -> None:
    """Exit 4, a report all the same, and the fleet as before."""
    chaos.use(lab)
    before = set(lab.instances())
    with chaos.running("run", write(chaos, STOP_ONE), "--env", "shared") as process:
        chaos.await_journal('"stage":"inject-confirmed"')
        process.send_signal(number)
        assert process.wait(60) == 4
    report = chaos.report()
    assert report["ending"] == "aborted"
    assert number.name in report["reason"]
    assert report["actions"][0]["verified"] is True
    assert set(lab.instances()) == before
    assert {one.state for one in lab.instances().values()} == {"running"}


def test_a_killed_runner_leaves_no_process_and_no_lab_behind(chaos: Chaos) -> None:
    """Neither Locust nor the lab that was started for the run survive kill -9."""
    with chaos.running("run", write(chaos, STOP_ONE), "--plain") as process:
        chaos.await_journal('"phase":"fault"')
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) > 10  # Locust, the lab, its nodes and instances
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    eventually(lambda: not any(map(lives, family)), 15, "all processes of the run are gone")


def test_what_a_killed_runner_left_broken_is_recovered(chaos: Chaos, lab: RunningLab) -> None:
    """A kill -9 in the fault, then `chaos recover`: the fleet is as before, and it is said once."""
    chaos.use(lab)
    before = set(lab.instances())
    with chaos.running("run", write(chaos, STOP_ONE), "--env", "shared") as process:
        chaos.await_journal('"stage":"inject-confirmed"')
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert "stopped" in {one.state for one in lab.instances().values()}
    recovered = chaos("recover")
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert "everything is put back and verified" in recovered.stdout
    assert {one.state for one in lab.instances().values()} == {"running"}
    assert set(lab.instances()) == before
    assert "nothing to recover" in chaos("recover").stdout
    report = json.loads((chaos.run_directory() / "report.json").read_text())
    assert report["ending"] == "aborted"
    assert report["actions"][0]["verified"] is True


def lives(process: psutil.Process) -> bool:
    """Whether it still does something; one that only waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def write(chaos: Chaos, experiment: str) -> Path:
    """An experiment file in the command's directory."""
    file = chaos.directory / "experiment.yaml"
    file.write_text(experiment)
    return file

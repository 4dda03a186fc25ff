"""A lab comes and goes as a whole, however it comes to its end."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.cli import main
from chaos.lab import handle
from chaos.lab.directory import LabDirectory, root
from chaos.lab.handle import LabError, LabHandle
from chaos.lab.processes import living
from chaos.lab.settings import LabSettings
from tests.eventually import eventually
from tests.lab_fixtures import connect

QUICK = LabSettings(instances=3, boot_delay=0)

SMALL = "[lab]\ninstances = 3\nboot_delay = 0\n"

OWNER = """
import sys, time
from chaos.lab import handle
from chaos.lab.settings import LabSettings
print(handle.start(settings=LabSettings(instances=3, boot_delay=0)).directory, flush=True)
time.sleep(600)
"""

Start = Callable[..., LabHandle]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep these labs away from those of whoever runs the tests."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts labs, and stops those that the test leaves."""
    started: list[LabHandle] = []

    def start_one(name: str | None = None, *, detached: bool = False) -> LabHandle:
        started.append(handle.start(name, settings=QUICK, detached=detached))
        return started[-1]

    yield start_one
    for one in started:
        handle.stop(one)


def processes_of(running: LabHandle) -> set[int]:
    """All living processes in the lab's session."""
    return {process.pid for process in living() if process.session == running.pid}


def is_gone(running: LabHandle, processes: set[int]) -> bool:
    """Whether neither a process nor a file of the lab is left."""
    left = {process.pid for process in living()} & processes
    return not left and not running.directory.exists()


def await_gone(running: LabHandle, processes: set[int]) -> None:
    """Return once nothing of the lab is left."""
    eventually(lambda: is_gone(running, processes), within=5, what="nothing is left")


@pytest.mark.lab
def test_a_name_is_taken_once_and_free_when_nothing_is_left(start: Start) -> None:
    """A second lab of the name is refused, until the first is stopped with all that it had."""
    running = start("only")
    with pytest.raises(LabError, match="already"):
        start("only")
    assert handle.find("only") == running
    processes = processes_of(running)
    assert len(processes) >= 9
    began = time.monotonic()
    handle.stop(running)
    assert time.monotonic() - began < 3
    assert is_gone(running, processes)
    assert handle.find("only") is None


@pytest.mark.lab
def test_nothing_outlives_a_supervisor_that_is_killed(start: Start) -> None:
    """Not even what user data has put into a session of its own."""
    running = start("victim", detached=True)
    (first, *_) = connect(running).ec2.describe_subnets()["Subnets"]
    escape = (
        f"#!/bin/sh\n{shlex.quote(sys.executable)} -c "
        "'import os,time; os.setsid(); print(os.getpid(), flush=True); time.sleep(600)' &\n"
    )
    (instance,) = connect(running).ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData=escape, SubnetId=first["SubnetId"]
    )["Instances"]
    console = LabDirectory(running.directory).machines / instance["InstanceId"] / "console.log"
    eventually(lambda: console.exists() and console.read_text(), within=10, what="it has escaped")
    escaped = {int(console.read_text())} if sys.platform == "linux" else set[int]()
    processes = processes_of(running) | escaped
    os.kill(running.pid, signal.SIGKILL)
    await_gone(running, processes)
    assert handle.find("victim") is None


@pytest.mark.lab
def test_a_private_lab_ends_with_its_owner() -> None:
    """Though the owner is killed and can tell nobody."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        files = LabDirectory(Path(owner.stdout.readline().strip()))
        session = int(files.session.read_text())
        processes = {process.pid for process in living() if process.session == session}
        owner.kill()
    assert len(processes) >= 9
    left = processes.copy()

    def gone() -> bool:
        left.intersection_update(process.pid for process in living())
        return not left and not files.path.exists()

    eventually(gone, within=5, what="nothing is left")


@pytest.mark.lab
def test_killing_all_at_once_leaves_something_that_find_clears_away(start: Start) -> None:
    """Where the warden was killed, too, the next one who looks for the lab does its work."""
    running = start("victim", detached=True)
    processes = processes_of(running)
    warden = next(pid for pid in processes if _is_warden(pid))
    os.kill(warden, signal.SIGKILL)
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: not LabDirectory(running.directory).is_alive(), within=5, what="it is dead")
    eventually(lambda: handle.find("victim") is None, within=5, what="it is not found")
    await_gone(running, processes)


@pytest.mark.lab
def test_the_lab_ends_when_a_part_of_it_dies(start: Start) -> None:
    """Half a lab would give wrong numbers: better none."""
    running = start("victim", detached=True)
    processes = processes_of(running)
    envoy = next(pid for pid in processes if "envoy" in _command(pid))
    os.kill(envoy, signal.SIGKILL)
    await_gone(running, processes)


@pytest.mark.lab
def test_two_labs_live_side_by_side(start: Start) -> None:
    """What happens in one does not happen in the other, and a private one is found by nobody."""
    one, other = start("one"), start()
    assert handle.find() is None
    assert {one.host, one.endpoint_url}.isdisjoint({other.host, other.endpoint_url})
    of_one = {instance.instance_id for instance in handle.status(one).instances}
    of_other = {instance.instance_id for instance in handle.status(other).instances}
    assert of_one.isdisjoint(of_other)
    connect(one).ec2.stop_instances(InstanceIds=sorted(of_one))
    assert {connect(other).get("/products/1").status for _ in range(10)} == {200}
    handle.stop(one)
    assert connect(other).get("/products/1").status == 200


@pytest.mark.lab
def test_the_commands_bring_it_up_show_it_and_take_it_down(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """up, up again, status, env in a shell, logs, down, down again: each says what is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chaos.toml").write_text(SMALL)
    assert main(["lab", "up"]) == 0
    assert "is up after" in capsys.readouterr().out
    try:
        assert main(["lab", "up"]) == 0
        assert "already up" in capsys.readouterr().out
        assert main(["lab", "status"]) == 0
        assert capsys.readouterr().out.count("healthy") == 3
        assert main(["lab", "env"]) == 0
        lines = capsys.readouterr().out
        code = "import boto3, json; print(json.dumps(boto3.client('sts').get_caller_identity()))"
        shell = f"eval {shlex.quote(lines)}; {shlex.quote(sys.executable)} -c {shlex.quote(code)}"
        said = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, check=True, text=True)
        assert json.loads(said.stdout)["Account"] == "123456789012"
        assert main(["lab", "logs"]) == 0
        assert re.search(r"instance-serving +i-\w+ accepts", capsys.readouterr().out)
    finally:
        assert main(["lab", "down"]) == 0
    assert "is down" in capsys.readouterr().out
    assert main(["lab", "down"]) == 0
    assert main(["lab", "env"]) == 6
    assert "chaos lab up" in capsys.readouterr().err


@pytest.mark.lab
def test_a_foreground_lab_ends_with_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`chaos lab up --foreground` takes it down on ctrl-C, and exits 0."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chaos.toml").write_text(SMALL)
    command = [sys.executable, "-m", "chaos", "lab", "up", "--foreground", "--name", "front"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any("interrupt" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert handle.find("front") is None


@pytest.mark.lab
def test_a_lab_that_does_not_come_up_says_why_and_leaves_nothing() -> None:
    """The caller gets a message, and the directory is gone."""
    with pytest.raises(LabError, match="do not serve"):
        handle.start(settings=LabSettings(boot_delay=60, start_timeout=4))
    eventually(lambda: not list(root().glob("run-*")), within=5, what="no directory is left")


def test_the_remains_of_a_dead_lab_are_cleared_away() -> None:
    """A directory whose lab is dead does not block its name."""
    files = LabDirectory(root() / "old")
    files.path.mkdir()
    files.state.write_text("{}")
    assert handle.find("old") is None
    assert not files.path.exists()


@pytest.mark.parametrize("name", ["../up", "", "a b", "/etc", "."])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    """A lab's name becomes a directory, so not everything will do."""
    with pytest.raises(LabError, match="name"):
        handle.find(name)


def test_the_labs_directory_is_the_owners_alone() -> None:
    """The lab's key stands in it; a directory that others can read is not used."""
    assert root().stat().st_mode & 0o077 == 0
    root().chmod(0o755)
    with pytest.raises(PermissionError, match="alone"):
        root()
    with pytest.raises(LabError, match="alone"):
        handle.find()


def _command(pid: int) -> str:
    listing = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout


def _is_warden(pid: int) -> bool:
    return "chaos.lab.warden" in _command(pid)

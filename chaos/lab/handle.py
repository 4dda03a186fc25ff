"""The lab's door: start, find, ask and stop a lab. All other rooms use only this.

Cheap to import; the lab itself runs in its own processes.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos.lab.directory import LabDirectory, create, exclusively, root
from chaos.lab.settings import LabSettings
from chaos.model.problems import EnvironmentUnusable

if TYPE_CHECKING:
    import subprocess

    from chaos.lab.balancer.counts import BalancerCounts
    from chaos.lab.truth import TruthEvent

DEFAULT_NAME = "default"

_PRIVATE = "run-"
"""Begins the name of a lab that belongs to one process."""

_STOP_WITHIN = 10.0
_EXIT_WITHIN = 1.0
_POLL_EVERY = 0.01
_WATCH_EVERY = 0.2
_TAIL = 2000

_started: dict[Path, tuple[subprocess.Popen[bytes], int | None]] = {}
"""Labs that this process has started; one that is to end with it has a pipe that tells it so."""


class LabError(EnvironmentUnusable):
    """The lab could not be used; the message is for the user."""


@dataclass(frozen=True, slots=True)
class LabHandle:
    """A running lab, and all that is needed to use it."""

    name: str
    pid: int
    """Of the lab's supervisor."""
    directory: Path
    endpoint_url: str
    """Where the AWS API answers."""
    host: str
    """The base URL that the shop's users use."""
    region: str
    account_id: str
    access_key_id: str
    secret_access_key: str
    admin_ports: tuple[int, ...]
    """The ports of the nodes' own statistics on 127.0.0.1."""
    start_parts: dict[str, float]
    """Seconds from the start until each part of it was done."""

    @property
    def credentials(self) -> dict[str, str]:
        """As boto3 takes them."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One EC2 instance of the lab."""

    instance_id: str
    zone: str
    state: str
    """As EC2 names it."""
    private_ip: str
    pid: int | None
    """Of the shell that runs its user data; None while its machine is off."""
    port: int | None
    """Its own port of 127.0.0.1: past the network, so past its faults; None without a machine."""
    serving: bool
    """Whether its port accepts connections."""
    target_health: str
    """As DescribeTargetHealth names it; `unused` where it is no target."""


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What a running lab consists of now."""

    uptime: float
    """Seconds since the lab was ready."""
    instances: tuple[InstanceStatus, ...]
    """Without the terminated ones."""


def _ignore(_: str) -> None:
    """Show nobody the progress."""


def settings_from(overrides: Mapping[str, Any]) -> LabSettings:
    """The settings, with those replaced that `[lab]` in `chaos.toml` names.

    Raises:
        InvalidInput: an unknown name or a bad value.
    """
    return LabSettings.from_mapping(overrides)


def start(
    name: str | None = None,
    *,
    settings: LabSettings | None = None,
    detached: bool = False,
    progress: Callable[[str], None] = _ignore,
) -> LabHandle:
    """Bring up a lab; returns when the shop answers and all its targets are healthy.

    Args:
        name: under which `find` finds it; without one the lab is private and has a made-up name.
        settings: its times; the defaults if not given.
        detached: let it live until `stop`. Otherwise it ends with this process, however that ends.
        progress: is told of each part that is done.

    Raises:
        LabError: it did not come up, or there is one of that name.
    """
    name = name or _PRIVATE + secrets.token_hex(4)
    files, lock = _make_directory(name)
    files.settings.write_text(json.dumps(asdict(settings or LabSettings())))
    try:
        ready = _launch(files, lock, detached=detached)
    finally:
        os.close(lock)
    _await_ready(files, ready, progress)
    found = _read(files)
    if found is None:
        raise LabError(f"the lab {name!r} has ended just after its start")
    return found


def find(name: str = DEFAULT_NAME) -> LabHandle | None:
    """The lab of that name if it is up; clears away what a dead one has left."""
    try:
        files = LabDirectory(_directory_of(name))
    except OSError as error:
        raise LabError(str(error)) from error
    if files.is_alive():
        return _read(files)
    with exclusively(files.path.parent):
        _clear_if_dead(files)
    return None


def stop(handle: LabHandle) -> None:
    """End the lab; returns when all of it is gone.

    Raises:
        LabError: something of it could not be ended.
    """
    files = LabDirectory(handle.directory)
    process, owner_pipe = _started.pop(handle.directory, (None, None))
    if owner_pipe is not None:
        os.close(owner_pipe)
    if files.is_alive():
        _signal(handle.pid, signal.SIGTERM)
    if not _await_gone(files):
        _signal(handle.pid, signal.SIGKILL)
        if not _await_gone(files):
            raise LabError(f"the lab {handle.name!r} could not be ended: process {handle.pid}")
    _await_exit(handle.pid, process)


def wait(handle: LabHandle) -> None:
    """Return when the lab has ended, however it did."""
    while LabDirectory(handle.directory).is_alive():
        time.sleep(_WATCH_EVERY)


def console(handle: LabHandle, instance_id: str) -> str:
    """What an instance's user data has printed so far.

    Raises:
        LabError: there is no such instance.
    """
    log = LabDirectory(handle.directory).machines / instance_id / "console.log"
    try:
        return log.read_text(errors="replace")
    except OSError as error:
        raise LabError(f"the lab has no console of an instance {instance_id!r}") from error


def environment(handle: LabHandle) -> dict[str, str]:
    """The environment variables that point AWS tools at the lab, and load at its shop."""
    from chaos.lab.credentials import Credentials

    credentials = Credentials(handle.access_key_id, handle.secret_access_key)
    aws = credentials.environment(handle.endpoint_url, handle.region)
    return {**aws, "CHAOS_HOST": handle.host}


def environment_lines(handle: LabHandle) -> list[str]:
    """The same as lines that a shell can evaluate."""
    return [f"export {name}='{value}'" for name, value in environment(handle).items()]


def truth(handle: LabHandle, since: float = 0) -> list[TruthEvent]:
    """What really happened at or after `since` (seconds since the epoch), in order of time."""
    from chaos.lab.truth import read

    return read(LabDirectory(handle.directory).truth, since)


def balancer_counts(handle: LabHandle) -> BalancerCounts:
    """How many requests the load balancer has answered so far, by its own count.

    Raises:
        LabError: it does not say.
    """
    from chaos.lab.balancer.counts import read_counts

    try:
        return read_counts(handle.admin_ports)
    except (OSError, ValueError) as error:
        raise LabError(f"the load balancer does not tell its counts: {error}") from error


def status(handle: LabHandle) -> LabStatus:
    """What the lab consists of now.

    Raises:
        LabError: it does not answer.
    """
    from chaos.lab.loopback import get_json

    port = int(handle.endpoint_url.rpartition(":")[2])
    key = {"Authorization": f"Credential={handle.access_key_id}/"}
    try:
        rows: list[dict[str, Any]] = get_json(port, "/_lab/status", key)
        ready_at = LabDirectory(handle.directory).state.stat().st_mtime
    except (OSError, ValueError) as error:
        raise LabError(f"the lab {handle.name!r} does not answer: {error}") from error
    instances = [InstanceStatus(**row) for row in rows if row["state"] != "terminated"]
    return LabStatus(time.time() - ready_at, tuple(instances))


def _directory_of(name: str) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise LabError(f"a lab's name has letters, digits, '-' and '_' only, not {name!r}")
    return root() / name


def _make_directory(name: str) -> tuple[LabDirectory, int]:
    try:
        path = _directory_of(name)
        with exclusively(path.parent):
            for other in path.parent.iterdir():
                if other.is_dir():
                    _clear_if_dead(LabDirectory(other))
            return create(path)
    except FileExistsError as error:
        raise LabError(f"there is a lab {name!r} already, or one is just starting") from error
    except OSError as error:
        raise LabError(f"the lab has no place for its files: {error}") from error


def _clear_if_dead(files: LabDirectory) -> None:
    """Do what the lab's warden does, where that was killed, too."""
    if files.path.exists() and not files.is_alive():
        from chaos.lab.warden import sweep

        sweep(files.read_session(), files.path, {os.getpid()})


def _launch(files: LabDirectory, lock: int, *, detached: bool) -> int:
    """Start the supervisor, and return the pipe on which it reports."""
    import subprocess
    import sys

    reading, ready = os.pipe()
    owner_reads, owner_pipe = os.pipe()
    with files.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chaos.lab", str(files.path), str(ready), str(lock)],
            stdin=subprocess.DEVNULL if detached else owner_reads,
            stdout=log,
            stderr=log,
            cwd=files.path,
            env=_environment_of_supervisor(files),
            pass_fds=(ready, lock),
            start_new_session=True,
        )
    os.close(ready)
    os.close(owner_reads)
    if detached:
        os.close(owner_pipe)
    _started[files.path] = process, None if detached else owner_pipe
    return reading


def _environment_of_supervisor(files: LabDirectory) -> dict[str, str]:
    """Ours, without what would lead it to a real account or to a proxy."""
    from chaos.lab.warden import MARK

    def stays(name: str) -> bool:
        return not name.startswith("AWS_") and not name.lower().endswith("_proxy")

    source = str(Path(__file__).parents[2])
    paths = [source, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {
        **{name: value for name, value in os.environ.items() if stays(name)},
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        MARK: str(files.path),
    }


def _await_ready(files: LabDirectory, ready: int, progress: Callable[[str], None]) -> None:
    """Follow the supervisor's reports until it is ready.

    The supervisor keeps the time: it gives up by itself after `start_timeout`.
    """
    with os.fdopen(ready) as reports:
        for line in reports:
            ((kind, text),) = json.loads(line).items()
            if kind == "ready":
                return
            if kind == "failed":
                raise LabError(f"the lab did not come up: {text}{_tail_of(files)}")
            progress(text)
    raise LabError(f"the lab has ended while it was coming up{_tail_of(files)}")


def _tail_of(files: LabDirectory) -> str:
    try:
        text = files.log.read_text(errors="replace")[-_TAIL:].strip()
    except OSError:
        return ""
    return f"\nThe end of its log:\n{text}" if text else ""


def _read(files: LabDirectory) -> LabHandle | None:
    """The handle of a living lab; None while it is not ready."""
    try:
        state = json.loads(files.state.read_text())
    except FileNotFoundError:
        return None
    state["admin_ports"] = tuple(state["admin_ports"])
    return LabHandle(name=files.path.name, directory=files.path, **state)


def _signal(pid: int, number: signal.Signals) -> None:
    import contextlib

    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _await_exit(pid: int, process: subprocess.Popen[bytes] | None) -> None:
    """The supervisor goes last: it has only to end."""
    if process:
        process.wait()
    deadline = time.monotonic() + _EXIT_WITHIN
    while _exists(pid) and time.monotonic() < deadline:
        time.sleep(_POLL_EVERY)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _await_gone(files: LabDirectory) -> bool:
    deadline = time.monotonic() + _STOP_WITHIN
    while files.path.exists() or files.is_alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_EVERY)
    return True

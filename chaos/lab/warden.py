"""The warden: sees to it that nothing of a lab outlives the lab.

A tiny process with one duty. It holds the reading end of a pipe whose writing end only the lab's
supervisor has; when that pipe ends, however the supervisor died, it kills whatever is left in the
lab's session and removes the lab's directory. It needs the standard library alone, so it is there
within milliseconds:

    python -S -m chaos.lab.warden DIRECTORY <the pipe

The session is what makes this safe: every process that the lab starts is in the supervisor's
session, also what an instance's user data forks, and as the warden itself is in that session, too,
its number cannot come to mean somebody else's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from chaos.lab.database.shared_memory import release_all
from chaos.lab.processes import living

MARK = "CHAOS_LAB"
"""The environment variable in which every process of a lab has the lab's directory."""

DATABASES = "databases"
"""What in the lab's directory holds the databases' data; a link where it must stand elsewhere."""

FAREWELL = b"bye"
"""Sent before the pipe ends, it means: the supervisor waits for me, so spare it."""

GIVE_UP_AFTER = 10.0
"""Seconds until the sweep ends though something could not be killed."""


def main() -> None:
    """Wait for the supervisor's end, then clean up."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    said = b""
    while chunk := os.read(0, 64):
        said += chunk
    session = os.getsid(0)
    spared = {os.getpid(), session} if said == FAREWELL else {os.getpid()}
    sweep(session, Path(sys.argv[1]), spared)


def sweep(session: int, directory: Path, spared: set[int]) -> None:
    """Kill all of the session but the spared, then remove the directory."""
    deadline = time.monotonic() + GIVE_UP_AFTER
    while time.monotonic() < deadline:
        left = [pid for pid in members(session, directory) if pid not in spared]
        if not left:
            break
        for pid in left:
            with contextlib.suppress(OSError):  # It may have just ended.
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    databases = (directory / DATABASES).resolve()
    release_all(databases)
    _remove(databases, deadline)
    _remove(directory, deadline)


def _remove(directory: Path, deadline: float) -> None:
    """Remove it, though what is just ending may still write into it."""
    while directory.exists():
        shutil.rmtree(directory, ignore_errors=True)
        if time.monotonic() > deadline:
            return


def members(session: int, directory: Path) -> Iterator[int]:
    """The living processes of the session, and their children; on Linux also those that left it.

    A process that starts a session of its own still names the lab in the environment it inherited,
    unless it has written over it, as PostgreSQL's do: these are children of one in the session.
    """
    mark = f"{MARK}={directory}".encode()
    everybody = list(living())
    inside = {
        process.pid
        for process in everybody
        if process.session == session or _is_marked(process.pid, mark)
    }
    for process in everybody:
        if process.pid in inside or process.parent in inside:
            yield process.pid


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False  # Another user's, or it has just ended, or there is no /proc.


if __name__ == "__main__":
    main()

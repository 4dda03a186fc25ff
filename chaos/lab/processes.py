"""The processes of this machine, with the groups and sessions they are in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A living process."""

    pid: int
    group: int
    session: int
    parent: int


def living() -> Iterator[Process]:
    """All processes that have not ended; those that wait to be reaped have."""
    return _from_proc() if Path("/proc/self/stat").exists() else _from_ps()


def _from_proc() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has just ended.
        state, parent, group, session = fields[:4]
        if state not in "ZX":
            yield Process(int(entry.name), int(group), int(session), int(parent))


def _from_ps() -> Iterator[Process]:
    command = ["ps", "-A", "-o", "pid=,pgid=,ppid=,stat="]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        pid, group, parent, state = line.split()[:4]
        try:
            session = os.getsid(int(pid))
        except OSError:
            continue  # It has just ended, or is not ours to ask about.
        if not state.startswith("Z"):
            yield Process(int(pid), int(group), session, int(parent))

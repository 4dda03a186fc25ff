"""What a killed PostgreSQL leaves in the kernel.

A server that shuts down removes its System V segment (56 bytes, by which it notices a second server
on the same data); a killed one cannot. Its number stands in the seventh line of `postmaster.pid`.
Everything else that is shared is in files below the data directory, as the settings have it.
"""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path

_REMOVE = 0
"""IPC_RMID, on Linux and macOS."""

_LINE = 6


def release(data_directory: Path) -> None:
    """Remove the segment of a server that is dead, if it has left one."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        line = (data_directory / "postmaster.pid").read_text().splitlines()[_LINE]
        ctypes.CDLL(None).shmctl(int(line.split()[1]), _REMOVE, None)


def release_all(databases: Path) -> None:
    """Do so for every data directory below that one."""
    with contextlib.suppress(OSError):
        for data_directory in databases.iterdir():
            release(data_directory)

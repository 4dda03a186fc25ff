"""Where labs keep their files, and how to tell a living lab from the remains of a dead one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class LabDirectory:
    """The files of one lab. All are the owner's alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path / "lock"
        """Locked (flock) for as long as the lab's supervisor lives."""
        self.settings = path / "settings.json"
        self.state = path / "lab.json"
        """What a handle holds; written once the lab is ready."""
        self.session = path / "session"
        """The session that all of the lab's processes are in."""
        self.log = path / "lab.log"
        self.truth = path / "truth.jsonl"
        self.machines = path / "instances"

    def is_alive(self) -> bool:
        """Whether the lab that made it still runs, or is just starting."""
        try:
            file = os.open(self.lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def read_session(self) -> int:
        """The session of a dead lab's processes; -1, which is nobody's, where that cannot be told.

        If the session's leader lives, its number has come to mean another.
        """
        try:
            session = int(self.session.read_text())
            os.kill(session, 0)
        except ProcessLookupError:
            return session
        except (OSError, ValueError):
            return -1
        return -1

    def write_state(self, state: dict[str, Any]) -> None:
        """Write the state, whole or not at all."""
        new = self.state.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.replace(self.state)


def root() -> Path:
    """The directory below which each lab has its own; it is the user's alone.

    Raises:
        PermissionError: somebody else has taken its place.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    usable = base and os.access(base, os.W_OK)
    path = Path(base) / "chaos" if base and usable else _temporary_root()
    path.mkdir(mode=0o700, exist_ok=True)
    owner = path.lstat()
    if path.is_symlink() or owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise PermissionError(f"{path} is not this user's alone: remove it")
    return path


def _temporary_root() -> Path:
    return Path(tempfile.gettempdir()) / f"chaos-{os.getuid()}"


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Be the only one who makes or clears directories below `path`."""
    with (path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def create(path: Path) -> tuple[LabDirectory, int]:
    """Make the directory of a new lab; call it `exclusively`.

    Returns the directory and the open, locked lock file: the lab is alive for as long as that, or a
    copy of it that another process inherited, is open.

    Raises:
        FileExistsError: there is such a lab.
    """
    path.mkdir(mode=0o700)
    made = LabDirectory(path)
    lock = os.open(made.lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return made, lock

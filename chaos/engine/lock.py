"""One run per environment, and a way to stop it from any terminal.

On one machine the lock is the kernel's: it is gone when its holder is, in whatever way that ended.
Requests to stop and the kill switch are files beside it, looked at every second.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, Self

from chaos.model.problems import EnvironmentTaken, Refused

KILL_SWITCH = "kill-switch"


@dataclass(frozen=True, slots=True)
class Note:
    """Who did what, and when."""

    by: str
    """The user and the machine."""
    at: float
    """Seconds since the epoch."""
    text: str
    """The run that holds a lock, or why something was stopped."""

    @classmethod
    def now(cls, at: float, text: str) -> Self:
        """A note by whoever runs this process."""
        return cls(f"{getpass.getuser()}@{socket.gethostname()}", at, text)

    def to_text(self) -> str:
        """For a file or a shared store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """Read back what `to_text` wrote; None where it is nothing like it."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def write(self, file: Path) -> None:
        """Put the note there, whole or not at all."""
        beside = file.with_name(f".{file.name}-{os.getpid()}")
        beside.write_text(self.to_text())
        beside.replace(file)

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """The note that is there; None where there is none."""
        try:
            return cls.from_text(file.read_text())
        except FileNotFoundError:
            return None

    def as_reason(self) -> str:
        """Why a run ends, where this asks it to."""
        return f"stopped by {self.by}{f': {self.text}' if self.text else ''}"


class Lock(Protocol):
    """The right to run in one environment."""

    @contextmanager
    def held(self, holder: Note) -> Iterator[None]:
        """Have it for as long as this lasts.

        Raises:
            EnvironmentTaken: another run has it.
            Refused: the kill switch is on.
        """

    def stop_requested(self) -> str | None:
        """Why the run that has the lock should end now; None where nobody asked for it."""


class AllOf:
    """Several locks as one: on this machine, and across machines."""

    def __init__(self, *locks: Lock) -> None:
        self._locks = locks

    @contextmanager
    def held(self, holder: Note) -> Iterator[None]:
        """See `Lock`."""
        with ExitStack() as stack:
            for lock in self._locks:
                stack.enter_context(lock.held(holder))
            yield

    def stop_requested(self) -> str | None:
        """See `Lock`."""
        return next(filter(None, (lock.stop_requested() for lock in self._locks)), None)


class Stoppable(Protocol):
    """A lock, seen from outside of the run that has it."""

    def holder(self) -> Note | None:
        """Who has the lock now; None where nobody has it."""

    def request_stop(self, note: Note) -> None:
        """Ask the run that has the lock to end."""


def slug(environment: str) -> str:
    """The name of an environment as part of a file's name or a key."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", environment).strip("-")


def state_directory() -> Path:
    """Where locks are on this machine, the same for every working directory of a user."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "chaos"


class LocalLock:
    """A lock among the processes of one user on one machine."""

    def __init__(self, environment: str, directory: Path | None = None) -> None:
        """`environment` is whatever tells one from another: account and region, or a host."""
        self._environment = environment
        self._directory = directory or state_directory()
        name = slug(environment)
        self._lock = self._directory / f"{name}.lock"
        self._holder = self._directory / f"{name}.holder"
        self._stop = self._directory / f"{name}.stop"

    @contextmanager
    def held(self, holder: Note) -> Iterator[None]:
        """See `Lock`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        refuse_while_killed(Note.read(self._directory / KILL_SWITCH))
        with self._lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EnvironmentTaken(self._taken()) from None
            self._stop.unlink(missing_ok=True)
            holder.write(self._holder)
            try:
                yield
            finally:
                self._holder.unlink(missing_ok=True)
                self._stop.unlink(missing_ok=True)

    def stop_requested(self) -> str | None:
        """See `Lock`; the kill switch counts, too."""
        for file in (self._stop, self._directory / KILL_SWITCH):
            note = Note.read(file)
            if note is not None:
                return note.as_reason()
        return None

    def holder(self) -> Note | None:
        """See `Stoppable`."""
        try:
            with self._lock.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            return Note.read(self._holder)
        return None

    def request_stop(self, note: Note) -> None:
        """See `Stoppable`; the run looks every second."""
        note.write(self._stop)

    def _taken(self) -> str:
        holder = Note.read(self._holder)
        who = f": run {holder.text} by {holder.by}" if holder else ""
        return f"another run is going on in {self._environment}{who}; chaos stop ends it"


def all_holders(directory: Path) -> list[tuple[LocalLock, Note]]:
    """The locks that are held on this machine, and by whom."""
    names = [file.name.removesuffix(".holder") for file in sorted(directory.glob("*.holder"))]
    locks = [LocalLock(name, directory) for name in names]
    return [(lock, note) for lock in locks if (note := lock.holder()) is not None]


def turn_kill_switch_on(directory: Path, note: Note) -> None:
    """End every run, and let none begin, until it is turned off."""
    directory.mkdir(parents=True, exist_ok=True)
    note.write(directory / KILL_SWITCH)


def turn_kill_switch_off(directory: Path) -> bool:
    """Let runs begin again; whether it was on."""
    was_on = (directory / KILL_SWITCH).exists()
    (directory / KILL_SWITCH).unlink(missing_ok=True)
    return was_on


def refuse_while_killed(switch: Note | None) -> None:
    """Go on only where the kill switch is off.

    Raises:
        Refused: it is on; `switch` says by whom.
    """
    if switch is not None:
        why = f" ({switch.text})" if switch.text else ""
        raise Refused(f"the kill switch is on, by {switch.by}{why}; chaos resume turns it off")

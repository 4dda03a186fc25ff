"""Whether a run's process is alive: a lock that the kernel lets go of when the process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "alive.lock"


@contextmanager
def alive(directory: Path) -> Iterator[None]:
    """Be seen as alive for as long as this lasts, or until the process ends in whatever way."""
    with (directory / FILE_NAME).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    (directory / FILE_NAME).unlink(missing_ok=True)


def is_alive(directory: Path) -> bool:
    """Whether some process runs this run."""
    try:
        with (directory / FILE_NAME).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False

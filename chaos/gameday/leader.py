"""One scheduler leads; others that are started wait, and one of them takes over.

The right to lead is a lock of the kernel's on a file beside the store: it is gone the moment its
holder is, in whatever way that ended. A lease in the store would need a time after which it counts
as given up, and clocks that agree: too short, and two lead; too long, and nobody does.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class Leadership:
    """The right to lead for one store."""

    def __init__(self, store: Path) -> None:
        self._file = store.with_name(f"{store.name}.leader")
        self._held: IO[str] | None = None

    def take(self) -> bool:
        """Lead from now on; False where another process does."""
        if self._held is not None:
            return True
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle = self._file.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return False
        self._held = handle
        return True

    def give_up(self) -> None:
        """Let another one lead."""
        if self._held is not None:
            self._held.close()
            self._held = None

"""Closes the difference between what moto says and what is there, as a controller does."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

_PERIOD = 0.05
"""Seconds between two passes when nothing has called for one; the truth log is that exact where it
cannot know better."""

_MOST_FAILURES = 20
"""Passes that may fail in a row before the lab is given up."""


class Reconciler:
    """A thread that makes pass after pass: `make_pass` looks at all there is and acts on it."""

    def __init__(self, make_pass: Callable[[], None], on_failure: Callable[[], None]) -> None:
        self._pass = make_pass
        self._on_failure = on_failure
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Pass at once: something has changed."""
        self._wake.set()

    def stop(self) -> None:
        """End, and return when no pass is under way any more."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stopped and failures < _MOST_FAILURES:
            try:
                self._pass()
                failures = 0
            except Exception:  # noqa: BLE001 - the next pass sees the same state again
                traceback.print_exc()
                failures += 1
            self._wake.wait(_PERIOD)
            self._wake.clear()
        if not self._stopped:
            self._on_failure()

"""Sends lines to a place that may be slow, or out of reach, beside whatever else goes on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

DRAINED_WITHIN = 10.0
"""Seconds that the last lines may take at the end."""

TRY_AGAIN_EVERY = 1.0
"""Seconds between two tries to send a line."""


class Courier:
    """Sends lines one after the other from a thread of its own, each until it is there."""

    def __init__(self, send: Callable[[int, bytes], None], warn: Callable[[str], None]) -> None:
        self._send = send
        self._warn = warn
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._changed = threading.Condition()
        self._failures = 0
        self._trouble = ""
        self._closed = False
        self._thread = threading.Thread(target=self._go_on, name="journal-mirror", daemon=True)
        self._thread.start()

    def send(self, number: int, line: bytes) -> None:
        """Have it sent when all before it are."""
        with self._changed:
            self._waiting.append((number, line))
            self._changed.notify_all()

    def await_sent(self, within: float) -> None:
        """Return once everything is sent.

        Raises:
            OSError: it could not be; it is tried again all the same.
        """
        with self._changed:
            before = self._failures
            self._changed.notify_all()
            done = self._changed.wait_for(
                lambda: not self._waiting or self._failures > before, within
            )
            if self._waiting:
                why = self._trouble if done else f"no answer within {within:g} s"
                raise OSError(f"the copy of the journal could not be written: {why}")

    def close(self) -> str:
        """Send what is left, as far as that can be done; what could not, in words."""
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting, DRAINED_WITHIN)
            self._closed = True
            self._changed.notify_all()
            return f"{len(self._waiting)} lines are missing" if self._waiting else ""

    def _go_on(self) -> None:
        while (first := self._first()) is not None:
            try:
                self._send(*first)
            except Exception as error:  # noqa: BLE001 - it is tried again
                self._failed(error)
            else:
                self._sent()

    def _first(self) -> tuple[int, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting[0] if self._waiting and not self._closed else None

    def _sent(self) -> None:
        with self._changed:
            self._trouble = ""
            self._waiting.popleft()
            self._changed.notify_all()

    def _failed(self, error: Exception) -> None:
        with self._changed:
            if not self._trouble:
                self._warn(f"the copy of the journal cannot be written just now: {error}")
            self._trouble = str(error)
            self._failures += 1
            self._changed.notify_all()
            if not self._closed:
                self._changed.wait(TRY_AGAIN_EVERY)

"""A run told in timestamped lines, for logs and CI."""

from __future__ import annotations

from datetime import datetime

from chaos.engine.observer import Status
from chaos.measure.run import Event
from chaos.terminal.load_line import load_line

STATUS_EVERY = 5.0
"""Seconds between two lines about the load."""


class PlainObserver:
    """Prints a line for each event, and one about the load now and then."""

    def __init__(self) -> None:
        self._status_at = 0.0

    def event(self, event: Event) -> None:
        """One line; what the lab saw is marked as the truth."""
        print(f"{_clock(event.at)}  {event.kind:<6}  {event.text}", flush=True)

    def status(self, status: Status) -> None:
        """A line every few seconds."""
        if status.now >= self._status_at and status.second.planned:
            self._status_at = status.now + STATUS_EVERY
            print(f"{_clock(status.now)}  load    {load_line(status.second)}", flush=True)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]

"""A run as a live view on a terminal."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chaos.engine.fault import FaultState
from chaos.engine.observer import Status
from chaos.measure.formats import percentage
from chaos.measure.run import Event, PhaseName
from chaos.terminal.load_line import load_line

EVENTS_SHOWN = 8

_STYLE = {
    "phase": "bold",
    "action": "yellow",
    "error": "red",
    "stop": "red bold",
    "truth": "cyan",
}
_FAULT_STYLE = {
    FaultState.WAITING: "dim",
    FaultState.INJECTING: "yellow",
    FaultState.ACTIVE: "red",
    FaultState.REVERTING: "yellow",
    FaultState.DONE: "green",
}


class LiveObserver:
    """Shows phase, time left, faults, load and the last events; use it as a context."""

    def __init__(self, title: str, console: Console) -> None:
        self._title = title
        self._events: deque[Event] = deque(maxlen=EVENTS_SHOWN)
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._status: Status | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def event(self, event: Event) -> None:
        """Add it to the last events."""
        self._events.append(event)
        self._draw()

    def status(self, status: Status) -> None:
        """Show the run as it is now."""
        self._status = status
        self._draw()

    def _draw(self) -> None:
        title = Text(self._title, style="bold")
        self._live.update(Group(title, *self._about_status(), Text(""), self._lines()))

    def _about_status(self) -> list[Text]:
        status = self._status
        if status is None:
            return [Text("starting", style="dim")]
        head = _phases(status.phase)
        if status.ends_at is not None:
            head.append(f"   {max(0.0, status.ends_at - status.now):.0f} s left", style="dim")
        lines = [head]
        if status.total.planned or status.second.planned:
            available = percentage(status.total.availability)
            lines.append(Text(f"{load_line(status.second)}   available {available}"))
        for name, state in status.faults:
            lines.append(Text.assemble((f"{state.value:<10}", _FAULT_STYLE[state]), name))
        return lines

    def _lines(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for event in self._events:
            at = datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S")
            table.add_row(
                Text(at, style="dim"), event.kind, event.text, style=_STYLE.get(event.kind)
            )
        return table


def _phases(current: PhaseName | None) -> Text:
    """All phases in a row, the current one marked (also without colour)."""
    text = Text()
    for phase in PhaseName:
        now = phase is current
        text.append(f"[{phase}]" if now else f" {phase} ", style="bold reverse" if now else "dim")
    return text

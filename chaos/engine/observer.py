"""What a run tells whoever is watching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chaos.engine.fault import FaultState
from chaos.measure.recording import Slice
from chaos.measure.run import Event, PhaseName


@dataclass(frozen=True, slots=True)
class Status:
    """A run at one moment."""

    now: float
    """Seconds since the epoch."""
    phase: PhaseName | None
    """None before the first phase."""
    ends_at: float | None
    """When the run is expected to end; None where that is not known."""
    faults: tuple[tuple[str, FaultState], ...]
    second: Slice
    """The last second whose requests have mostly been answered."""
    total: Slice
    """All since the warm-up."""


class Observer(Protocol):
    """Someone who is watching."""

    def event(self, event: Event) -> None:
        """Something worth a line has happened."""

    def status(self, status: Status) -> None:
        """The run as it is now; called several times a second."""

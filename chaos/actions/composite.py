"""Actions that consist of others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.actions.action import ActionKind
from chaos.model.experiment import Target


@dataclass(frozen=True, slots=True)
class Part:
    """One action that a composite consists of, and what it is to hit."""

    name: str
    """What it does there: `stop-instances`; the plan puts the composite's own name before it."""
    action: str
    """Its id. A part whose action is not installed is left out."""
    target: Target
    """A part for which nothing is found is left out."""
    zone: str | None = None
    """Of what is found, only resources in this Availability Zone; None for all."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    duration: float = 0.0
    """Seconds from its confirmed injection to its undo."""


class Composite(ActionKind):
    """Several actions under one name, which begin together.

    It does nothing itself: a plan has its parts in its place, each an action like any other, with
    its own targets, calls, undo and lines in journal and report. What waits for the composite
    (`after`) waits for all of its parts.
    """

    no_undo = "each of its parts has its own"

    @abstractmethod
    def parts(self, duration: float) -> list[Part]:
        """What it consists of, if it is to last for so many seconds, in the order of injection."""

"""What a link does to what passes through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self


class LinkName(NamedTuple):
    """Names a link by its two ends."""

    source: str
    destination: str


class Mode(StrEnum):
    """The kind of a condition."""

    PASS = "pass"  # noqa: S105 - a mode, not a password
    DROP = "drop"
    """Nothing arrives and nobody is told: new connections hang, established ones go quiet. What was
    under way arrives once the link passes again, as TCP's own retransmission would have it."""
    DELAY = "delay"
    """Each byte arrives later, in both directions."""
    LIMIT = "limit"
    """All connections of the link share so many bytes a second, in each direction."""
    RESET = "reset"
    """Connections, new and established, are reset."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A mode and its measures."""

    mode: Mode = Mode.PASS
    delay_s: float = 0.0
    """Mode delay: seconds added one way."""
    jitter_s: float = 0.0
    """Mode delay: the delay varies evenly by up to so many seconds either way; order is kept."""
    bytes_per_s: float = 0.0
    """Mode limit: bytes a second one way."""

    def __post_init__(self) -> None:
        if self.mode is Mode.LIMIT and not self.bytes_per_s > 0:
            raise ValueError("a limit needs bytes_per_s above 0")
        if min(self.delay_s, self.jitter_s, self.bytes_per_s) < 0:
            raise ValueError("a condition's measures must not be negative")

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(**{**value, "mode": Mode(value["mode"])})


PASS = Condition()
DROP = Condition(Mode.DROP)
RESET = Condition(Mode.RESET)

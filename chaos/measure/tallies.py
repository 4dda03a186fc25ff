"""Small sums that the recorder keeps beside the slices: by server, and by user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class ServerKey(NamedTuple):
    """Who answered, and when the request was due."""

    second: int
    """Whole seconds since the epoch."""
    server: str
    """As the answer names it: `us-east-1a/i-0abc`, or whatever its header says."""


@dataclass(slots=True)
class Tally:
    """Good and bad requests."""

    ok: int = 0
    bad: int = 0

    def merge(self, other: Tally) -> None:
        """Add all that `other` holds."""
        self.ok += other.ok
        self.bad += other.bad


@dataclass(slots=True)
class UserTime:
    """Seconds that users spent with the system up or down, as they saw it.

    A user's time from one request to the next counts as up where the first of the two was good,
    and as down where it was bad (Hauer et al., "Meaningful Availability", NSDI 2020).
    """

    up: float = 0.0
    down: float = 0.0

    def merge(self, other: UserTime) -> None:
        """Add all that `other` holds."""
        self.up += other.up
        self.down += other.down

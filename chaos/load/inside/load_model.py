"""What open and closed model have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class LoadModel(Protocol):
    """When users execute tasks. All times are seconds since the epoch."""

    def install(self, on_user_start: Callable[[Any], None]) -> None:
        """Take Locust's tasks in hand; `on_user_start` gets each user that is up."""

    def begin(self, at: float, index: int, of: int) -> None:
        """The load begins; this is agent `index` of `of`."""

    def end(self, at: float) -> None:
        """Nothing may be due at or after `at`."""

    def is_idle(self) -> bool:
        """Asked again and again once the end is past: whether nothing is under way any more."""

    def write_off(self) -> None:
        """Give what is still under way its outcome."""

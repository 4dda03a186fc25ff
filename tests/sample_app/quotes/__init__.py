"""Something wise, by number."""

from __future__ import annotations

QUOTES = (
    "A system is what it does when a part of it is gone.",
    "Hope is not a rollback.",
    "Everything is in one zone until somebody looks.",
)


def quote(number: int) -> str:
    """The quote of that number; they begin again after the last."""
    return QUOTES[number % len(QUOTES)]

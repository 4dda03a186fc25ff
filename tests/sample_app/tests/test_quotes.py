"""The unit tests."""

from __future__ import annotations

from quotes import QUOTES, quote


def test_each_number_has_its_quote() -> None:
    """From zero on."""
    assert [quote(number) for number in range(len(QUOTES))] == list(QUOTES)


def test_the_numbers_never_end() -> None:
    """After the last comes the first."""
    assert quote(len(QUOTES)) == QUOTES[0]

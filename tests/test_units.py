"""Durations, rates, percentages, objectives and selections, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.model.units import (
    Unit,
    parse_duration,
    parse_percentage,
    parse_rate,
    parse_selection,
    parse_threshold,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("1h30m", 5400),
        ("2.5m", 150),
        ("1d", 86400),
        ("PT5M", 300),
        ("PT1H30M", 5400),
        ("P1DT1S", 86401),
        ("PT0.5S", 0.5),
    ],
)
def test_durations_are_read_in_both_notations(text: str, seconds: float) -> None:
    """Ours and that of AWS FIS."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 parsecs", "-5s", "P", "PT", "s", 5, None, True])
def test_what_is_no_duration_is_refused(text: object) -> None:
    """A bare number has no unit, and guessing one would be dangerous."""
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_duration_is_the_sum_of_its_parts(h: int, m: int, s: int, ms: int) -> None:
    """Whatever the parts."""
    expected = h * 3600 + m * 60 + s + ms / 1000
    assert parse_duration(f"{h}h{m}m{s}s{ms}ms") == pytest.approx(expected)
    assert parse_duration(f"PT{h}H{m}M{s}S") == h * 3600 + m * 60 + s


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a parser fail in another way."""
    for parse in (parse_duration, parse_rate, parse_percentage, parse_threshold, parse_selection):
        try:
            parse(text)
        except ValueError as error:
            assert "write" in str(error)  # it says what to write instead


def test_rates_are_per_second() -> None:
    """Whatever unit they are written in."""
    assert parse_rate("100/s") == 100
    assert parse_rate("6000 / m") == 100
    with pytest.raises(ValueError, match="not a rate"):
        parse_rate("0/s")


@pytest.mark.parametrize(
    ("text", "value", "good"),
    [
        (">= 99.9%", 0.999, True),
        (">= 99.9%", 0.9989, False),
        ("<= 800ms", 0.8, True),
        ("<= 800ms", 0.801, False),
        ("< 1%", 0.01, False),
    ],
)
def test_a_threshold_knows_its_good_side(text: str, value: float, good: bool) -> None:
    """The bound itself is good with >= and <=, not with > and <."""
    assert parse_threshold(text).holds_for(value) is good


def test_a_threshold_knows_its_unit() -> None:
    """A percentage is a ratio, a duration is in seconds."""
    assert parse_threshold(">= 99%").unit is Unit.RATIO
    assert parse_threshold("<= 1s").unit is Unit.SECONDS


@given(st.integers(1, 100), st.integers(0, 1000))
def test_a_selection_never_takes_more_than_there_is(amount: int, available: int) -> None:
    """And percentages round down."""
    assert parse_selection("all").size(available) == available
    assert parse_selection(f"COUNT({amount})").size(available) == min(amount, available)
    percent = parse_selection(f"percent({amount})").size(available)
    assert percent <= available * amount / 100 < percent + 1

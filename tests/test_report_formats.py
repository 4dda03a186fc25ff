"""Numbers and texts for people never say something else than the value."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from chaos.measure import formats

SIZES = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def seconds_in(text: str) -> float:
    """The seconds that a formatted duration stands for."""
    parts = re.findall(r"([\d.,]+) (\S+)", text)
    return sum(float(number.replace(",", "")) * SIZES[unit] for number, unit in parts)


@given(st.floats(1e-6, 3600))
def test_a_duration_reads_back_within_three_digits(seconds: float) -> None:
    """What is read is within half a unit of the third digit, or of the second above a minute."""
    slack = 0.5 if seconds >= 99.95 else seconds * 0.00501
    assert math.isclose(seconds_in(formats.duration(seconds)), seconds, rel_tol=0, abs_tol=slack)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_longer_duration_never_reads_shorter(one: float, other: float) -> None:
    """Rounding keeps the order, also where the unit changes."""
    low, high = sorted((one, other))
    assert seconds_in(formats.duration(low)) <= seconds_in(formats.duration(high)) + 1e-9


def test_durations_take_the_unit_that_fits() -> None:
    """Three significant digits, moving up a unit instead of reading 1,000 ms."""
    shown = [formats.duration(s) for s in (0, 5e-5, 0.0123, 0.9996, 4.25, 59.97, 125, 3840)]
    assert shown == ["0 s", "50.0 µs", "12.3 ms", "1.00 s", "4.25 s", "60.0 s", "2 min 5 s",
                     "1 h 4 min"]  # fmt: skip
    assert formats.duration(None) == formats.duration(math.nan) == formats.NOTHING
    assert formats.duration(math.inf) == "∞"


@given(st.integers(1, 10**7), st.data())
def test_a_percentage_is_whole_only_when_it_is(planned: int, data: st.DataObject) -> None:
    """One bad request among millions never reads 100%, one good one never 0%."""
    good = data.draw(st.integers(0, planned))
    shown = formats.percentage(good / planned)
    assert (shown == "100%") == (good == planned)
    assert (float(shown.rstrip("%")) == 0) == (good == 0)
    assert math.isclose(float(shown.rstrip("%")), 100 * good / planned, abs_tol=0.0501)


def test_percentages_have_the_digits_that_matter() -> None:
    """Near 100 the digits of what is missing count."""
    shown = [formats.percentage(r) for r in (0, 0.00123, 0.0429, 0.957, 0.9957, 0.99999, 1)]
    assert shown == ["0%", "0.123%", "4.29%", "95.7%", "99.57%", "99.9990%", "100%"]
    assert formats.percentage(None) == formats.percentage(math.nan) == formats.NOTHING


@given(st.floats(-1e5, 1e5))
def test_an_offset_reads_back_to_a_tenth(seconds: float) -> None:
    """Hours, minutes and seconds carry over as they must."""
    shown = formats.offset(seconds)
    *minutes, last = shown[1:].split(":")
    assert all(0 <= float(part) < 60 for part in (*minutes[1:], last))
    total = 0.0
    for part in (*minutes, last):
        total = total * 60 + float(part)
    assert math.isclose(-total if shown[0] == "-" else total, seconds, abs_tol=0.0501)


def test_times_have_their_zone() -> None:
    """A moment can be told apart from the same hour elsewhere."""
    assert re.fullmatch(r"2026-11-2\d \d\d:\d\d:\d\d \S.*", formats.moment(1_795_270_980.2))
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.3", formats.clock(1_795_270_980.3))


@given(st.text(st.characters()))
def test_printable_text_is_valid_xml_and_keeps_what_is_fine(text: str) -> None:
    """Even half a surrogate pair and a NUL give XML that parses."""
    clean = formats.printable(text)
    assert len(clean) == len(text)
    parsed = ET.fromstring(f"<t>{escape(clean)}</t>")  # noqa: S314 - our own
    assert (parsed.text or "") == clean
    assert formats.printable(clean) == clean


@given(st.floats(1e-9, 1e9))
def test_significant_digits_are_three(value: float) -> None:
    """Within half of the third digit, and never in scientific notation."""
    shown = formats.significant(value)
    assert "e" not in shown
    assert math.isclose(float(shown.replace(",", "")), value, rel_tol=0.00501)


def test_numbers_are_written_for_people() -> None:
    """Thousands apart, no needless digits, objectives with their real sign."""
    assert formats.count(12345) == "12,345"
    assert formats.plural(1, "fault") == "1 fault"
    assert formats.plural(2, "fault") == "2 faults"
    assert formats.tick(50.0) == "50"
    assert formats.tick(2.5) == "2.5"
    assert formats.tick(100.0) == "100"
    assert formats.objective(">= 99%") == "≥ 99%"
    assert formats.interval((0.5, 0.75), "ratio") == "50.0% … 75.0%"
    assert formats.axis_offset(90) == "1:30"

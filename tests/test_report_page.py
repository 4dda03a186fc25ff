"""The HTML report: what it shows, how large it is, and how it behaves in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.recording import Outcome, Recording
from chaos.report.charts.scales import fitting, from_zero, nice_step, time_step
from chaos.report.html import render_html
from chaos.report.result import Result
from chaos.report.series import MOST_BINS, bins
from tests.browser import Page, find_browser, page
from tests.run_samples import (
    SAMPLES,
    half_stopped,
    large,
    probed,
    terminated,
    unusable,
    watched_users,
    without_load,
)
from tests.screenshot import screenshot

BROWSER = find_browser()
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Balance(HTMLParser):
    """Checks that each element is closed where it must be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        del attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It closes the last one."""
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "large"])
def test_the_page_is_well_formed_and_asks_nobody_for_anything(name: str) -> None:
    """Every element closed, no address outside of the file."""
    text = render_html(SAMPLES[name]())
    balance = Balance()
    balance.feed(text)
    assert balance.open == []
    assert not re.search(r'(?:src|href)="(?!data:,)', text)
    assert "url(http" not in text
    assert "@import" not in text


def test_the_page_shows_faults_phases_endpoints_and_truth() -> None:
    """All that the run holds is in it, readable without a script."""
    text = re.sub(r"<script.*?</script>", "", render_html(terminated()), flags=re.DOTALL)
    for expected in (
        "The shop survives losing an instance",
        "99.37%",
        "aws:ec2:terminate-instances",
        "GET /products/{id}",
        "process of i-0f3a9c51d27e84b60 killed",
        "in force from +0:15.6 and not taken back",
        'class="bar pass"',
    ):
        assert expected in text
    assert text.count("<svg") == 2 + 3


@pytest.mark.parametrize("build", [without_load, unusable])
def test_without_load_there_are_no_empty_charts(build: Callable[[], Result]) -> None:
    """Nor a script that would look for them."""
    text = re.sub(r"<style>.*?</style>", "", render_html(build()), flags=re.DOTALL)
    assert "<svg" not in text
    assert "<script" not in text
    assert "p99" not in text


def test_a_run_with_probes_alone_has_a_chart_of_them() -> None:
    """Lanes and outages, but nothing of a load that there was not."""
    text = re.sub(r"<style>.*?</style>", "", render_html(probed()), flags=re.DOTALL)
    assert text.count('class="timeline ') == 2
    assert "front-door: 15 of 120 samples bad" in text
    assert "for 1.50 s (1.40 s … 1.60 s)" in text
    assert "requests planned" not in text
    assert "<script" not in text


def test_the_page_shows_what_users_servers_and_budgets_had() -> None:
    """And the corrected latencies of a closed model, labelled as an estimate."""
    text = render_html(watched_users())
    for expected in (
        "us-east-1a/i-0",
        "Availability Zones",
        "User-uptime in the worst window",
        "corrected (estimate)",
        "Error budget of 30 days",
        "alert from +0:1",
        "against the baseline",
    ):
        assert expected in text


@pytest.mark.real
def test_an_hour_of_twenty_endpoints_is_a_small_page() -> None:
    """At most 1.5 MB; how long it takes is measured in tests/benchmarks."""
    assert len(render_html(large()).encode()) < 1_500_000


@given(st.lists(st.integers(0, 5000), max_size=30), st.integers(1, 5000))
def test_bins_hold_every_request_once(seconds: list[int], lasted: int) -> None:
    """However long the run, the bins are few, even, and add up."""
    recording = Recording()
    for second in seconds:
        recording.record("GET /", Outcome.OK, second, second, second + 0.1)
    binned = bins(recording, 0, lasted)
    assert len(binned) <= MOST_BINS
    assert sum(one.width for one in binned) == lasted
    assert sum(one.load.planned for one in binned) == sum(second < lasted for second in seconds)


@given(st.floats(1e-6, 1e6), st.floats(1, 1e4))
def test_axes_hold_their_values(lowest: float, ratio: float) -> None:
    """Lowest and highest stand within the axis, and there are a few ticks, not many."""
    scale = fitting(lowest, lowest * ratio, 100, 0)
    assert -1e-6 <= scale(lowest * ratio) <= scale(lowest) <= 100 + 1e-6
    assert 1 <= len(scale.ticks()) <= 8
    assert from_zero(lowest, 100, 0).high >= lowest * (1 - 1e-9)


@given(st.floats(1e-6, 1e6))
def test_steps_are_round_and_not_below_what_is_asked(least: float) -> None:
    """So that ticks do not crowd."""
    assert nice_step(least) >= least * (1 - 1e-6)
    assert nice_step(least) <= least * 2.5 * (1 + 1e-6)
    assert time_step(least) >= least * (1 - 1e-6)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The failing sample, open in a browser."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_html(half_stopped()), "utf-8")
    assert BROWSER is not None
    with page(BROWSER) as opened:
        opened.open(path.as_uri(), width=1200, height=900)
        yield opened


@needs_browser
def test_a_browser_has_no_complaint_and_no_request(tab: Page) -> None:
    """Nothing on the console, nothing on the network: the content policy would report it."""
    assert tab.evaluate("document.querySelector('.verdict').innerText").endswith("FAIL")
    assert tab.evaluate("document.querySelectorAll('svg.timeline').length") == 2
    assert tab.complaints == []
    assert [address for address in tab.requests if not address.startswith("data:")] == []


@needs_browser
def test_hovering_shows_the_values_of_that_second(tab: Page) -> None:
    """The crosshair's second, by pointer and by arrow key."""
    tab.evaluate("document.querySelector('.timeline.wide').scrollIntoView()")
    box = tab.evaluate(
        "(({left, top, width}) => [left, top, width])"
        "(document.querySelector('.timeline.wide').getBoundingClientRect())"
    )
    tab.hover(box[0] + box[2] / 2, box[1] + 150)
    shown = tab.evaluate("document.querySelector('.tooltip').innerText")
    assert re.match(r"\+0:4\d  \d\d:\d\d:\d\d\nok  100/s\n", shown)
    assert "p99  " in shown
    tab.evaluate("document.querySelector('.timeline.wide').dispatchEvent("
                 "new KeyboardEvent('keydown', {key: 'ArrowRight'}))")  # fmt: skip
    assert tab.evaluate("document.querySelector('.tooltip').innerText") != shown


@needs_browser
@pytest.mark.parametrize("width", [400, 768, 1200])
def test_no_width_makes_the_page_scroll_sideways(tab: Page, width: int) -> None:
    """Wide tables scroll in themselves; one of the two charts is shown."""
    tab.resize(width, 900)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    shown = tab.evaluate(
        "[...document.querySelectorAll('svg.timeline')].filter(c => c.clientWidth > 0).length"
    )
    assert shown == 1


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_can_be_taken(dark: bool, tmp_path: Path) -> None:
    """As the README's picture is."""
    report, picture = tmp_path / "report.html", tmp_path / "report.png"
    report.write_text(render_html(terminated()), "utf-8")
    screenshot(report, picture, width=1000, height=None, dark=dark)
    assert picture.read_bytes().startswith(b"\x89PNG")

"""Lines about runs at the end of pytest's output, from whichever process ran them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_LINES = pytest.StashKey[list[str]]()
_ATTRIBUTE = "chaos_lines"


def note(item: pytest.Item, text: str) -> None:
    """Keep some lines of a test for the end of the output."""
    item.stash.setdefault(_LINES, []).extend(text.splitlines())


def attach_lines(report: pytest.TestReport, item: pytest.Item) -> None:
    """Let the lines travel with the report: with pytest-xdist, to another process."""
    if report.when == "call" and _LINES in item.stash:
        setattr(report, _ATTRIBUTE, item.stash[_LINES])


def show_lines(terminal: pytest.TerminalReporter) -> None:
    """Print the lines of all tests."""
    lines = [line for report in _reports(terminal) for line in getattr(report, _ATTRIBUTE, ())]
    if lines:
        terminal.section("chaos")
        terminal.write("\n".join([*lines, ""]))


def _reports(terminal: pytest.TerminalReporter) -> Iterator[object]:
    for reports in terminal.stats.values():
        yield from reports

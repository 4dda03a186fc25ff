"""Takes a picture of a report: `python -m tests.screenshot reports/latest/report.html out.png`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.browser import find_browser, page


def screenshot(report: Path, picture: Path, *, width: int, height: int | None, dark: bool) -> None:
    """Write a PNG of the report, to its full height where none is given; sizes in pixels.

    Raises:
        SystemExit: there is no Chromium or Chrome on this machine.
    """
    browser = find_browser()
    if browser is None:
        sys.exit("no Chromium or Chrome found")
    with page(browser) as shown:
        shown.open(report.resolve().as_uri(), width=width, height=height or 800, dark=dark)
        if height is None:
            shown.resize(width, int(shown.evaluate("document.documentElement.scrollHeight")))
        shown.screenshot(picture)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Take a picture of a report.")
    parser.add_argument("report", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, help="the whole page, when left out")
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    screenshot(given.report, given.picture, width=given.width, height=given.height, dark=given.dark)


if __name__ == "__main__":
    main()

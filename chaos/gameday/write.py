"""Writes the joined report of a game day: `reports/<id>/gameday.html` and `gameday.md`."""

from __future__ import annotations

from pathlib import Path

from chaos.gameday.day import Day
from chaos.gameday.html import render_html
from chaos.gameday.joined import join
from chaos.gameday.markdown import render_markdown
from chaos.gameday.store import Store
from chaos.model.gameday_loading import LoadedGameDay

HTML = "gameday.html"
MARKDOWN = "gameday.md"


def write_day(store: Store, loaded: LoadedGameDay, day: Day, reports: Path) -> Path:
    """Write both; the directory they are in.

    Raises:
        OSError: it cannot be written to.
    """
    directory = reports / day.id
    directory.mkdir(parents=True, exist_ok=True)
    joined = join(store, loaded, day, reports)
    for name, render in ((HTML, render_html), (MARKDOWN, render_markdown)):
        part = directory / f".{name}.part"
        part.write_bytes(render(joined).encode("utf-8", errors="backslashreplace"))
        part.replace(directory / name)
    return directory

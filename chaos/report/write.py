"""Writes the reports of a run into its directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from chaos.report.html import render_html
from chaos.report.json_report import render_json
from chaos.report.junit import render_junit
from chaos.report.markdown import render_markdown
from chaos.report.result import Result
from chaos.report.timeline_csv import render_csv

Renderer = Callable[[Result], str]

RENDERERS: dict[str, Renderer] = {
    "report.json": render_json,
    "junit.xml": render_junit,
    "report.md": render_markdown,
    "report.html": render_html,
    "timeline.csv": render_csv,
}
"""File names and what makes them, the one that others depend on first."""


class RenderError(Exception):
    """Some reports could not be rendered; all others were written."""

    def __init__(self, causes: dict[str, Exception]) -> None:
        self.causes = causes
        """What was raised, by the name of the file that is missing."""
        said = "; ".join(
            f"{name}: {type(error).__name__}: {error}" for name, error in causes.items()
        )
        super().__init__(f"could not be rendered: {said}")


def write_report(
    result: Result, directory: Path, renderers: dict[str, Renderer] = RENDERERS
) -> None:
    """Write every report, each whole or not at all, and none held up by another.

    Raises:
        RenderError: some could not be rendered; the others are written.
        OSError: the directory cannot be written to, or the disk is full.
    """
    directory.mkdir(parents=True, exist_ok=True)
    causes: dict[str, Exception] = {}
    for name, render in renderers.items():
        try:
            text = render(result)
        except Exception as error:  # noqa: BLE001 - a fault in one report must not cost the others
            causes[name] = error
        else:
            _replace(directory / name, text)
    if causes:
        raise RenderError(causes)


def _replace(path: Path, text: str) -> None:
    """Readers see the old file or the new one, never a part of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Half a surrogate pair, as a broken file name may bring one, has no UTF-8.
        part.write_bytes(text.encode("utf-8", errors="backslashreplace"))
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise

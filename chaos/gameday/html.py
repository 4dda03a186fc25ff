"""`gameday.html`: the joined report, one file that opens offline, in the style of a run's."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from chaos.gameday.joined import Chapter, Joined
from chaos.gameday.words import STATUS_MARKS, TONES, sentence
from chaos.measure import formats
from chaos.report.charts.objective_bar import objective_bar
from chaos.report.charts.timeline import timeline_chart
from chaos.report.html import pages
from chaos.report.series import bins, extent

if TYPE_CHECKING:
    from jinja2 import Template

_WIDTH = 1080
"""Of a chart, in pixels."""


def render_html(joined: Joined) -> str:
    """The text of `gameday.html`."""
    return _template().render(
        joined=joined,
        day=joined.day,
        gameday=joined.gameday,
        sentence=sentence(joined),
        marks=STATUS_MARKS,
        tones=TONES,
        fmt=formats,
        charts={chapter.run.position: _chart(chapter) for chapter in joined.chapters},
        objective_bar=objective_bar,
    )


@cache
def _template() -> Template:
    return pages("gameday/page", "report/page").get_template("gameday.html.j2")


def _chart(chapter: Chapter) -> Markup | None:
    """The run's timeline; None where there is nothing to draw."""
    result = chapter.result
    if result is None or not result.run.phases:
        return None
    had_load = any(piece.planned for piece in result.run.load.slices.values())
    if not had_load and not any(series.samples for series in result.run.probes):
        return None
    binned = bins(result.run.load, *extent(result.run)) if had_load else ()
    return timeline_chart(result, binned, _WIDTH, f"run-{chapter.run.position}")

"""`report.html`: one file that opens offline, readable without its script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from chaos.measure import formats
from chaos.measure.recording import Outcome
from chaos.report.charts.lanes import TRUTH
from chaos.report.charts.objective_bar import objective_bar
from chaos.report.charts.panels import OUTCOME_NAMES, bin_values
from chaos.report.charts.timeline import timeline_chart
from chaos.report.findings import outage_said
from chaos.report.headline import headline
from chaos.report.result import Result
from chaos.report.series import Bin, bins, by_endpoint, extent

if TYPE_CHECKING:
    from jinja2 import Environment, Template

MARKS = {"pass": "✔", "fail": "✘", "inconclusive": "?"}

MOST_EVENTS = 1000
"""More are in `report.json`."""

MOST_OUTAGES = 20
"""Of one source. More are in `report.json`."""

_WIDE, _NARROW = 1080, 380
"""The chart is drawn twice, in pixels, so that its letters can be read on a telephone too."""


def render_html(result: Result) -> str:
    """The text of `report.html`."""
    return _template().render(_view(result))


@cache
def _template() -> Template:
    return pages("report/page").get_template("template.html.j2")


def pages(*folders: str) -> Environment:
    """The templates in these folders of the package, whose texts are made fit to print."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader("chaos", folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: Any) -> Any:
    """Every text that the template writes passes here, before it is escaped."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return formats.printable(value)
    return value


def _view(result: Result) -> dict[str, Any]:
    """What the template works with."""
    run = result.run
    return {
        "result": result,
        "run": run,
        "headline": headline(result),
        "fmt": formats,
        "marks": MARKS,
        "bars": [objective_bar(slo) for slo in result.slos],
        "endpoints": by_endpoint(run.load, run.phases),
        "events": sorted(run.events, key=lambda event: event.at)[:MOST_EVENTS],
        "events_left_out": max(0, len(run.events) - MOST_EVENTS),
        "truth": TRUTH,
        "outage_said": outage_said,
        "most_outages": MOST_OUTAGES,
        "outcomes": {outcome.value: OUTCOME_NAMES[outcome] for outcome in Outcome},
        **_timeline(result),
    }


def _timeline(result: Result) -> dict[str, Any]:
    """The charts, and the values that their tooltip shows; None where there was no load."""
    had_load = any(piece.planned for piece in result.run.load.slices.values())
    if not had_load and not any(series.samples for series in result.run.probes):
        return {"charts": [], "tooltip": None}
    binned = bins(result.run.load, *extent(result.run)) if had_load else ()
    return {
        "charts": [
            timeline_chart(result, binned, _WIDE, "wide"),
            timeline_chart(result, binned, _NARROW, "narrow"),
        ],
        "tooltip": _tooltip(result, binned) if had_load else None,
    }


def _tooltip(result: Result, binned: tuple[Bin, ...]) -> dict[str, Any]:
    start, end = extent(result.run)
    return {
        "start": start,
        "end": end,
        "zero": result.run.started_at,
        "first": binned[0].second,
        "width": binned[0].width,
        "outcomes": list(OUTCOME_NAMES.values()),
        "bins": [bin_values(one.load, one.width) for one in binned],
    }

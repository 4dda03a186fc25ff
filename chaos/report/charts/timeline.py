"""The chart of a run: bands and panels over one time axis."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from chaos.measure import formats
from chaos.report.charts.frame import Frame, fault_span
from chaos.report.charts.lanes import PHASE_HEIGHT, fault_lanes, phase_strip, truth_lane
from chaos.report.charts.panels import Box, errors_panel, latency_panel, throughput_panel
from chaos.report.charts.probe_lanes import probe_lanes
from chaos.report.charts.svg import tag
from chaos.report.result import Result
from chaos.report.series import Bin, extent

_LEFT, _RIGHT = 56, 34
"""Margins for the labels of the axes, in pixels."""
_TITLE = 30
"""Pixels above a panel for its title."""
_HEIGHTS = (130, 140, 90)
_AXIS = 36


def timeline_chart(result: Result, bins: Sequence[Bin], width: int, name: str) -> Markup:
    """The whole chart, `width` pixels wide; `name` is unique on the page.

    Without bins there was no load: then only the bands are drawn.
    """
    start, end = extent(result.run)
    frame = Frame(name, width, _LEFT, width - _RIGHT, start, end)
    lanes, below = fault_lanes(result, frame, PHASE_HEIGHT)
    truth, below = truth_lane(result, frame, below)
    probes, below = probe_lanes(result, frame, below)
    boxes = _boxes(below) if bins else []
    bottom = boxes[-1].bottom if boxes else below
    return tag(
        "svg",
        _patterns(name),
        _shades(result, frame, Box(boxes[0].top if boxes else PHASE_HEIGHT, bottom)),
        phase_strip(result, frame),
        lanes,
        truth,
        probes,
        _panels(result, bins, frame, boxes),
        _time_axis(result, frame, bottom),
        tag("path", class_="crosshair", d=f"M0,{PHASE_HEIGHT}V{bottom:.0f}"),
        class_=f"timeline {name}",
        viewBox=f"0 0 {width} {bottom + _AXIS:.0f}",
        role="img",
        aria_label=_summary(result),
        tabindex="0",
        data_left=frame.left,
        data_right=frame.right,
    )


def _panels(result: Result, bins: Sequence[Bin], frame: Frame, boxes: Sequence[Box]) -> Markup:
    if not boxes:
        return Markup()
    return (
        throughput_panel(bins, frame, boxes[0])
        + latency_panel(bins, result.slos, frame, boxes[1])
        + errors_panel(bins, result.slos, frame, boxes[2])
    )


def _boxes(top: float) -> list[Box]:
    boxes = []
    for height in _HEIGHTS:
        boxes.append(Box(top + _TITLE, top + _TITLE + height))
        top = boxes[-1].bottom
    return boxes


def _summary(result: Result) -> str:
    """What the chart shows, for those who do not see it."""
    count = formats.plural(len(result.faults), "fault")
    totals = result.totals
    if not totals.planned:
        probes = formats.plural(len(result.run.probes), "probe")
        return f"What {probes} saw over time with {count}."
    return (
        f"Throughput, latency and errors over time with {count}: "
        f"{totals.ok} of {totals.planned} planned requests were good."
    )


def _shades(result: Result, frame: Frame, panels: Box) -> Markup:
    """Each fault's time behind the panels, lighter while it comes; a line where phases change."""
    drawn = Markup()
    bottom = panels.bottom
    for fault in result.faults:
        span = fault_span(fault.times, result.run)
        if span is None:
            continue
        edges = ((span.called_at, span.confirmed_at, "coming"),
                 (span.confirmed_at, span.over_at, "in-force"))  # fmt: skip
        for start, end, kind in edges:
            left, right = frame.x(start), frame.x(end)
            drawn += tag("rect", class_=f"shade {kind}", x=left, y=panels.top - 4,
                         width=right - left, height=bottom - panels.top + 4)  # fmt: skip
    for phase in result.run.phases[1:]:
        x = frame.x(phase.started_at)
        drawn += tag("path", class_="phase-change", d=f"M{x:.1f},{PHASE_HEIGHT - 4}V{bottom:.1f}")
    return drawn


def _time_axis(result: Result, frame: Frame, top: float) -> Markup:
    """Time since the start of the run, with the local time below."""
    started_at = result.run.started_at
    drawn = tag("path", class_="base", d=f"M{frame.left},{top:.1f}H{frame.right}")
    for at in frame.ticks(started_at):
        x = frame.x(at)
        drawn += tag("path", class_="base", d=f"M{x:.1f},{top:.1f}v4")
        since = formats.axis_offset(at - started_at)
        drawn += tag("text", since, class_="time", x=x, y=top + 17)
        drawn += tag("text", formats.clock(at)[:8], class_="time clock", x=x, y=top + 31)
    return drawn


def _patterns(name: str) -> Markup:
    """What tells the outcomes apart without colour, and a fault that comes from one in force."""
    return tag(
        "defs",
        _pattern(f"{name}-coming", 5, "M-1,6L6,-1M-1,1L1,-1M4,6L6,4", "hatch-fault"),
        _pattern(f"{name}-failed", 5, "M-1,6L6,-1M-1,1L1,-1M4,6L6,4", "hatch"),
        _pattern(f"{name}-timed-out", 4, "M1,1h1M3,3h1", "hatch"),
        _pattern(f"{name}-not-sent", 4, "M0,0V4", "hatch"),
        tag(
            "linearGradient",
            tag("stop", class_="fading-from", offset="0.5"),
            tag("stop", class_="fading-to", offset="1"),
            id=f"{name}-fading",
        ),
    )


def _pattern(name: str, size: int, lines: str, kind: str) -> Markup:
    return tag(
        "pattern",
        tag("path", class_=kind, d=lines),
        id=name,
        width=size,
        height=size,
        patternUnits="userSpaceOnUse",
    )

"""A lane for each probe: a thin line while its answers are good, a block while they are not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup

from chaos.measure.formats import plural
from chaos.measure.samples import SampleSeries
from chaos.report.charts.frame import Frame
from chaos.report.charts.svg import tag
from chaos.report.result import Result

LANE_HEIGHT = 30
_NAME = 12
_BLOCK, _LINE = 11, 3
"""Heights, in pixels: bad is taller, so that it is not told by colour alone."""
_LEAST = 2
"""A single bad sample is still seen."""


def probe_lanes(result: Result, frame: Frame, top: float) -> tuple[Markup, float]:
    """The lanes of the probes that were asked all along, and the pixel below the last."""
    drawn = Markup()
    for series in result.run.probes:
        if series.samples:
            drawn += _lane(series, frame, top)
            top += LANE_HEIGHT
    return drawn, top


def _lane(series: SampleSeries, frame: Frame, top: float) -> Markup:
    bad = sum(not sample.good for sample in series.samples)
    said = f"{series.name}: {bad} of {plural(len(series.samples), 'sample')} bad"
    middle = top + _NAME + 2 + _BLOCK / 2
    stretches = Markup().join(
        tag("rect", class_="ok" if good else "failed", x=left, y=middle - height / 2,
            width=max(_LEAST, right - left), height=height)
        for good, left, right, height in _stretches(series, frame)
    )  # fmt: skip
    name = tag("text", f"probe {series.name}", class_="probe-name", x=frame.left, y=top + _NAME - 3)
    return tag("g", tag("title", said), name, stretches)


def _stretches(series: SampleSeries, frame: Frame) -> Iterator[tuple[bool, float, float, float]]:
    """Good or not, from which pixel to which, and how high."""
    seen = [s for s in series.samples if frame.start <= s.due_at < frame.end]
    for good, group in groupby(seen, key=lambda sample: sample.good):
        samples = list(group)
        left, right = frame.x(samples[0].due_at), frame.x(samples[-1].due_at + series.every)
        yield good, left, right, _LINE if good else _BLOCK

"""A small bar that shows an objective, what was measured, and how sure that is."""

from __future__ import annotations

import math

from markupsafe import Markup

from chaos.measure import formats
from chaos.model.units import Threshold, parse_threshold
from chaos.report.charts.scales import Linear
from chaos.report.charts.svg import tag
from chaos.slo.verdict import SloResult

_WIDTH, _HEIGHT = 200, 26
_EDGE = 8
_MIDDLE = _HEIGHT / 2


def objective_bar(slo: SloResult) -> Markup:
    """The good side filled, the interval as a line, the measured value as a dot.

    Empty where nothing could be measured.
    """
    if slo.measured is None and slo.interval is None:
        return Markup()
    threshold = parse_threshold(slo.objective)
    scale = _scale(slo, threshold.bound)
    return tag(
        "svg",
        _good_side(threshold, scale),
        _interval(slo, scale),
        _measured(slo, scale),
        class_=f"bar {slo.verdict}",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=_said(slo),
    )


def _said(slo: SloResult) -> str:
    wanted = formats.objective(slo.objective)
    return f"measured {slo.shown}, interval {slo.shown_interval}, objective {wanted}"


def _scale(slo: SloResult, bound: float) -> Linear:
    """Wide enough for all there is to see, with a little air on both sides."""
    seen = [bound, *_finite(slo.measured, *(slo.interval or ()))]
    low, high = min(seen), max(seen)
    air = max((high - low) * 0.25, abs(bound) * 0.002, 1e-6)
    top = min(high + air, 1.0) if slo.unit == "ratio" and high <= 1 else high + air
    low = max(low - air, 0.0)
    return Linear(low, max(top, low + 1e-9), _EDGE, _WIDTH - _EDGE)


def _finite(*values: float | None) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _good_side(threshold: Threshold, scale: Linear) -> Markup:
    x = scale(threshold.bound)
    left, right = (x, _WIDTH) if threshold.at_least else (0, x)
    return (
        tag("rect", class_="track", x=0, y=3, width=_WIDTH, height=_HEIGHT - 6, rx=2)
        + tag("rect", class_="good", x=left, y=3, width=right - left, height=_HEIGHT - 6, rx=2)
        + tag("path", class_="bound", d=f"M{x:.1f},0V{_HEIGHT}")
    )


def _interval(slo: SloResult, scale: Linear) -> Markup:
    if slo.interval is None:
        return Markup()
    left, right = (scale(bound) if math.isfinite(bound) else _WIDTH for bound in slo.interval)
    ends = f"M{left:.1f},{_MIDDLE - 4}v8M{right:.1f},{_MIDDLE - 4}v8"
    return tag("path", class_="interval", d=f"M{left:.1f},{_MIDDLE}H{right:.1f}{ends}")


def _measured(slo: SloResult, scale: Linear) -> Markup:
    if slo.measured is None or not math.isfinite(slo.measured):
        return Markup()
    return tag("circle", class_="measured", cx=scale(slo.measured), cy=_MIDDLE, r=4)

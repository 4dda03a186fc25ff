"""The three panels: how much, how fast, how often it went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from chaos.measure import formats
from chaos.measure.recording import Outcome, Slice
from chaos.model.units import parse_threshold
from chaos.report.charts.frame import LETTER, Frame
from chaos.report.charts.scales import Scale, fitting, from_zero
from chaos.report.charts.svg import path, tag
from chaos.report.series import Bin
from chaos.slo.verdict import SloResult

OUTCOME_NAMES = {
    Outcome.OK: "ok",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.NOT_SENT: "not sent",
}

_HEADROOM = 1.05
"""So that the top of the stack does not touch the title."""

_NAME_HEIGHT = 13

_REACH = 3
"""An objective is drawn where it is within this factor of what was measured."""


@dataclass(frozen=True, slots=True)
class Box:
    """The vertical place of a panel, in pixels."""

    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Objective:
    """A bound to draw across a panel."""

    bound: float
    label: str


def throughput_panel(bins: Sequence[Bin], frame: Frame, box: Box) -> Markup:
    """Requests due per second, stacked by what became of them."""
    highest = max(one.load.planned / one.width for one in bins)
    scale = from_zero(highest * _HEADROOM, box.bottom, box.top)
    layers, below = Markup(), [0.0] * len(bins)
    seen: list[Outcome] = []
    for outcome in Outcome:
        rates = [getattr(one.load, outcome) / one.width for one in bins]
        above = [base + rate for base, rate in zip(below, rates, strict=True)]
        if any(rates):
            shape = _steps(bins, below, above, frame, scale)
            layers += _filled(outcome.value.replace("_", "-"), shape, frame)
            seen.append(outcome)
        below = above
    axis = _axis(scale, frame, formats.tick)
    return axis + layers + _title("requests/s", box) + _legend(seen, frame, box)


def latency_panel(bins: Sequence[Bin], slos: Sequence[SloResult], frame: Frame, box: Box) -> Markup:
    """The median and the 99th percentile of what users waited."""
    median = _quantiles(bins, 0.5)
    slow = _quantiles(bins, 0.99)
    if not slow:
        return Markup()
    highest = max(value for _, value in slow)
    objectives = _within(_bounds(slos, {"latency": lambda bound: bound}), highest)
    top = max([highest, *(objective.bound for objective in objectives)])
    scale = fitting(min(value for _, value in median), top, box.bottom, box.top)
    lines = _line("p99", slow, bins, frame, scale) + _line("p50", median, bins, frame, scale)
    ends = _line_names({"p99": slow, "p50": median}, bins, frame, scale)
    axis = _axis(scale, frame, _round_duration)
    return (
        axis
        + lines
        + ends
        + _objectives(objectives, frame, scale, box)
        + _title("latency, from when a request was due", box)
    )


def errors_panel(bins: Sequence[Bin], slos: Sequence[SloResult], frame: Frame, box: Box) -> Markup:
    """The share of planned requests without a good answer: one minus availability."""
    shares = [one.load.error_rate or 0.0 for one in bins]
    to_error_rate = {"error_rate": lambda bound: bound, "availability": lambda bound: 1 - bound}
    highest = max(*shares, 0.01)
    objectives = _within(_bounds(slos, to_error_rate), highest)
    top = max([highest, *(objective.bound for objective in objectives)])
    scale = from_zero(min(top, 1.0), box.bottom, box.top)
    shape = _steps(bins, [0.0] * len(bins), shares, frame, scale)
    title = _title("errors, share of planned requests", box)
    area = tag("path", class_="errors", d=shape) if shape else Markup()
    axis = _axis(scale, frame, lambda value: f"{formats.tick(value * 100)}%")
    return axis + area + _objectives(objectives, frame, scale, box) + title


def _steps(
    bins: Sequence[Bin],
    below: Sequence[float],
    above: Sequence[float],
    frame: Frame,
    scale: Scale,
) -> str:
    """The `d` of the area between two step lines, where there is any."""
    columns = [
        (frame.x(one.second), frame.x(one.second + one.width), scale(low), scale(high), high > low)
        for one, low, high in zip(bins, below, above, strict=True)
    ]
    shapes = []
    for filled, run in groupby(columns, key=lambda column: column[-1]):
        if filled:
            row = list(run)
            upper = [point for left, right, _, y, _ in row for point in ((left, y), (right, y))]
            lower = [point for left, right, y, _, _ in row for point in ((left, y), (right, y))]
            shapes.append(path([*upper, *reversed(lower)]) + "Z")
    return "".join(shapes)


def _filled(kind: str, shape: str, frame: Frame) -> Markup:
    """The area in its colour, with its pattern over it: never colour alone."""
    area = tag("path", class_=kind, d=shape)
    if kind == "ok":
        return area
    return area + tag("path", d=shape, style=f"fill:url(#{frame.name}-{kind})")


def _quantiles(bins: Sequence[Bin], q: float) -> list[tuple[int, float]]:
    """The bins that have that quantile, by index."""
    found = ((index, one.load.response.quantile(q)) for index, one in enumerate(bins))
    return [(index, value) for index, value in found if value is not None]


def _line(
    kind: str,
    values: Sequence[tuple[int, float]],
    bins: Sequence[Bin],
    frame: Frame,
    scale: Scale,
) -> Markup:
    """A line with a gap wherever nothing was measured; a lone point is a dot."""
    pieces = []
    for piece in _unbroken(values):
        points = [(frame.x(bins[index].middle), scale(value)) for index, value in piece]
        pieces.append(path(points) + ("h0" if len(points) == 1 else ""))
    return tag("path", class_=kind, d="".join(pieces))


def _unbroken(values: Sequence[tuple[int, float]]) -> Iterator[list[tuple[int, float]]]:
    """Runs of neighbouring indexes."""
    numbered = enumerate(values)
    for _, run in groupby(numbered, key=lambda item: item[0] - item[1][0]):
        yield [value for _, value in run]


def _line_names(
    lines: dict[str, list[tuple[int, float]]], bins: Sequence[Bin], frame: Frame, scale: Scale
) -> Markup:
    """Each line's name where it ends, kept apart where the ends meet."""
    heights = {name: scale(values[-1][1]) for name, values in lines.items()}
    heights["p99"] = min(heights["p99"], heights["p50"] - _NAME_HEIGHT)
    last = max(values[-1][0] for values in lines.values())
    x = frame.x(bins[last].second + bins[last].width) + 5
    return Markup().join(
        tag("text", name, class_=f"line-name {name}-name", x=x, y=y + 4)
        for name, y in heights.items()
    )


def _axis(scale: Scale, frame: Frame, label: Callable[[float], str]) -> Markup:
    """Grid lines with their values."""
    drawn = Markup()
    for value in scale.ticks():
        y = scale(value)
        drawn += tag("path", class_="grid", d=f"M{frame.left:.1f},{y:.1f}H{frame.right:.1f}")
        drawn += tag("text", label(value), class_="tick", x=frame.left - 6, y=y + 3.5)
    return drawn


def _round_duration(seconds: float) -> str:
    number, _, unit = formats.duration(seconds).partition(" ")
    return f"{formats.tick(float(number))} {unit}" if "." in number else f"{number} {unit}"


def _title(text: str, box: Box) -> Markup:
    return tag("text", text, class_="panel-title", x=0, y=box.top - 8)


def _legend(outcomes: Sequence[Outcome], frame: Frame, box: Box) -> Markup:
    """Swatches at the right of the title, in the order of the stack."""
    drawn, right = Markup(), frame.right
    for outcome in reversed(outcomes):
        name = OUTCOME_NAMES[outcome]
        left = right - len(name) * LETTER - 15
        kind = outcome.value.replace("_", "-")
        corner = {"x": left, "y": box.top - 17, "width": 10, "height": 10}
        drawn += tag("rect", class_=kind, **corner)
        drawn += tag("rect", style=f"fill:url(#{frame.name}-{kind})", **corner)
        drawn += tag("text", name, class_="legend", x=left + 14, y=box.top - 8)
        right = left - 10
    return drawn


def _bounds(
    slos: Sequence[SloResult], convert: dict[str, Callable[[float], float]]
) -> list[Objective]:
    """The bounds of the objectives on these indicators, in the panel's unit."""
    return [
        Objective(
            convert[slo.sli](parse_threshold(slo.objective).bound),
            f"{slo.name} {formats.objective(slo.objective)}",
        )
        for slo in slos
        if slo.sli in convert and slo.of_requests
    ]


def _within(objectives: Sequence[Objective], highest: float) -> list[Objective]:
    return [one for one in objectives if 0 < one.bound <= highest * _REACH]


def _objectives(objectives: Sequence[Objective], frame: Frame, scale: Scale, box: Box) -> Markup:
    """A dashed line for each, named at the left and the right in turn, clear of the title."""
    lines, names = Markup(), Markup()
    for index, objective in enumerate(objectives):
        y = scale(objective.bound)
        lines += tag("path", class_="objective", d=f"M{frame.left:.1f},{y:.1f}H{frame.right:.1f}")
        x, side = (frame.right - 4, " end") if index % 2 else (frame.left + 4, "")
        below = -4 if y - box.top > _NAME_HEIGHT else _NAME_HEIGHT
        names += tag("text", objective.label, class_=f"objective-name{side}", x=x, y=y + below)
    return lines + names


def bin_values(load: Slice, width: int) -> list[float | None]:
    """What the tooltip says of a bin: rates by outcome, p50 and p99 in seconds, error share."""
    rates = [round(getattr(load, outcome) / width, 2) for outcome in Outcome]
    quantiles = (load.response.quantile(q) for q in (0.5, 0.99))
    rounded = [None if value is None else round(value, 6) for value in quantiles]
    share = load.error_rate
    return [*rates, *rounded, None if share is None else round(share, 5)]

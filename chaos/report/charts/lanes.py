"""The bands above the panels: phases, one lane for each fault, and what the lab saw happen."""

from __future__ import annotations

from markupsafe import Markup

from chaos.measure.formats import offset
from chaos.measure.run import PhaseSpan
from chaos.report.charts.frame import LETTER, FaultSpan, Frame, fault_span
from chaos.report.charts.svg import tag
from chaos.report.result import FaultResult, Result

PHASE_HEIGHT = 22
LANE_HEIGHT = 29
_BAND = 15
"""Height of the band within its lane."""
_LEAST = 3
"""A fault that was over in no time is still seen."""

TRUTH = "truth"
"""The kind of the events in which the lab says what really happened."""


def phase_strip(result: Result, frame: Frame) -> Markup:
    """The names of the phases, each over its time."""
    return Markup().join(_phase(span, frame) for span in result.run.phases)


def _phase(span: PhaseSpan, frame: Frame) -> Markup:
    left, right = frame.x(span.started_at), frame.x(span.ended_at)
    box = tag(
        "rect",
        class_=f"phase {span.name}",
        x=left,
        y=0,
        width=right - left,
        height=PHASE_HEIGHT - 4,
    )
    if not frame.fits(span.name, right - left):
        return tag("g", tag("title", span.name), box)
    middle = (left + right) / 2
    return tag("g", box, tag("text", span.name, class_="phase-name", x=middle, y=13))


def fault_lanes(result: Result, frame: Frame, top: float) -> tuple[Markup, float]:
    """A lane for each fault that was injected, and the pixel below the last of them."""
    drawn = Markup()
    for fault in result.faults:
        span = fault_span(fault.times, result.run)
        if span is not None:
            drawn += _lane(fault, span, frame, top, result.run.started_at)
            top += LANE_HEIGHT
    return drawn, top


def _lane(fault: FaultResult, span: FaultSpan, frame: Frame, top: float, zero: float) -> Markup:
    called, confirmed, over = (
        frame.x(at) for at in (span.called_at, span.confirmed_at, span.over_at)
    )
    over = max(over, called + _LEAST)
    fill = None if span.undone else f"fill:url(#{frame.name}-fading)"
    return tag(
        "g",
        tag("title", _said(fault, span, zero)),
        tag("rect", class_="coming", x=called, y=top, width=confirmed - called, height=_BAND,
            style=f"fill:url(#{frame.name}-coming)"),
        tag("rect", class_="in-force", x=confirmed, y=top, width=over - confirmed, height=_BAND,
            style=fill),
        _lane_name(fault.times.name, confirmed, over, frame, top + 11.5),
        _users_saw(fault, frame, top + _BAND + 6.5),
        class_="fault-lane",
    )  # fmt: skip


def _said(fault: FaultResult, span: FaultSpan, zero: float) -> str:
    until = f"until {offset(span.over_at - zero)}" if span.undone else "and not taken back"
    return (
        f"{fault.times.name} ({fault.times.action}): called {offset(span.called_at - zero)}, "
        f"in force from {offset(span.confirmed_at - zero)} {until}"
    )


def _lane_name(name: str, left: float, right: float, frame: Frame, y: float) -> Markup:
    """In the band where it fits, else beside it, on the side that has room."""
    if frame.fits(name, right - left - 12):
        return tag("text", name, class_="in-band", x=left + 7, y=y)
    if frame.fits(name, frame.right - right - 10):
        return tag("text", name, class_="beside", x=right + 10, y=y)
    room = max(3, int((left - frame.left - 20) / LETTER))
    short = name if len(name) <= room else f"{name[: room - 1]}…"
    return tag("text", short, class_="beside end", x=left - 12, y=y)


def _users_saw(fault: FaultResult, frame: Frame, y: float) -> Markup:
    """From a hollow dot at the first bad second to a full one where users had recovered."""
    zero, seen, recovered = (
        fault.times.inject_confirmed_at,
        fault.detected_after_s,
        fault.recovered_after_s,
    )
    if zero is None or seen is None:
        return Markup()
    left = frame.x(zero + seen)
    first = tag("circle", class_="seen", cx=left, cy=y, r=3.5)
    if recovered is None:
        return first
    right = frame.x(zero + recovered)
    between = tag("path", class_="felt", d=f"M{left:.1f},{y:.1f}H{right:.1f}")
    return between + first + tag("circle", class_="recovered", cx=right, cy=y, r=4)


def truth_lane(result: Result, frame: Frame, top: float) -> tuple[Markup, float]:
    """A diamond for each real event in the lab, and the pixel below them."""
    events = [event for event in result.run.events if event.kind == TRUTH]
    shown = [event for event in events if frame.start <= event.at <= frame.end]
    if not shown:
        return Markup(), top
    marks = Markup().join(
        tag(
            "path",
            tag("title", f"{offset(event.at - result.run.started_at)} {event.text}"),
            d=f"M{frame.x(event.at):.1f},{top + 1:.1f}l4,5l-4,5l-4,-5z",
        )
        for event in shown
    )
    return tag("g", marks, class_="truth-marks"), top + 16

"""Numbers as a terminal shows them."""

from __future__ import annotations

from chaos.measure.recording import Slice


def seconds(value: float | None) -> str:
    """A duration: `812 ms`, `1.42 s`, `–` where there is none."""
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def percent(ratio: float | None) -> str:
    """A ratio as a percentage: `99.87 %`."""
    return "–" if ratio is None else f"{ratio * 100:.2f} %"


def load_line(second: Slice) -> str:
    """One second of load in one line."""
    return (
        f"{second.planned:>5} req/s   {second.bad:>4} bad   "
        f"p50 {seconds(second.response.quantile(0.5)):>7}   "
        f"p99 {seconds(second.response.quantile(0.99)):>7}"
    )

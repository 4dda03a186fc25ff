"""The load as a terminal shows it."""

from __future__ import annotations

from chaos.measure.formats import duration
from chaos.measure.recording import Slice


def load_line(second: Slice) -> str:
    """One second of load in one line."""
    return (
        f"{second.planned:>5} req/s   {second.bad:>4} bad   "
        f"p50 {duration(second.response.quantile(0.5)):>8}   "
        f"p99 {duration(second.response.quantile(0.99)):>8}"
    )

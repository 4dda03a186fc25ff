"""The numbers of a run, as properties of a test in JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.api import FinishedRun
from chaos.slo.verdict import SloResult


def properties(finished: FinishedRun) -> Iterator[tuple[str, object]]:
    """Names and values; ratios in 0..1, times in seconds."""
    result = finished.result
    yield "chaos.run", result.run.run_id
    yield "chaos.verdict", finished.verdict.value
    yield "chaos.report", str(finished.report)
    for slo in result.slos:
        yield from _of_objective(slo)
    if result.run.had_load:
        for name in ("planned", "ok", "failed", "timed_out", "not_sent"):
            yield f"chaos.load.{name}", getattr(result.totals, name)


def _of_objective(slo: SloResult) -> Iterator[tuple[str, object]]:
    yield f"chaos.{slo.name}.objective", slo.objective
    yield f"chaos.{slo.name}.verdict", slo.verdict.value
    if slo.measured is not None:
        yield f"chaos.{slo.name}.measured", slo.measured
    if slo.interval is not None:
        yield f"chaos.{slo.name}.low", slo.interval[0]
        yield f"chaos.{slo.name}.high", slo.interval[1]

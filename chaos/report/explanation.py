"""The result as a text for a terminal: what a failing test says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chaos.measure import formats
from chaos.measure.recording import Slice
from chaos.measure.run import FaultTimes
from chaos.report.findings import outages_said
from chaos.report.headline import headline
from chaos.report.result import FaultResult, Result
from chaos.slo.verdict import SloResult, Verdict
from chaos.slo.watch import measured_span

WORST = 3
"""How many of the worst seconds are shown."""


def explanation(result: Result) -> str:
    """The verdict, each objective against its measure, the worst seconds, and the faults."""
    parts = (
        [f"{result.verdict.upper()}  {result.run.title}", headline(result)],
        _objectives(result.slos),
        _worst_seconds(result),
        _outages(result),
        _faults(result.faults),
    )
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines)


def worst_seconds(result: Result) -> list[tuple[int, Slice]]:
    """The measured seconds with most bad requests, then those with the slowest; the worst first.

    Each with its time in whole seconds since the epoch.
    """
    start, end = measured_span(result.run)
    measured = [
        (second, piece)
        for second, piece in result.run.load.by_second().items()
        if start <= second < end
    ]
    return sorted(measured, key=_badness, reverse=True)[:WORST]


def _badness(of: tuple[int, Slice]) -> tuple[int, float]:
    piece = of[1]
    return piece.bad, piece.response.quantile(1) or 0.0


def _objectives(slos: Sequence[SloResult]) -> Iterator[str]:
    if slos:
        header = ("objective", "wanted", "measured", "95 % interval", "verdict")
        yield from _table([header, *map(_objective, slos)])
    for slo in slos:
        if slo.verdict is not Verdict.PASS:
            yield f"{slo.name}: {slo.explanation}"


def _objective(slo: SloResult) -> tuple[str, ...]:
    wanted = formats.objective(slo.objective)
    return slo.name, wanted, slo.shown, slo.shown_interval, slo.verdict.upper()


def _worst_seconds(result: Result) -> Iterator[str]:
    rows = [_second(at, piece, result.run.started_at) for at, piece in worst_seconds(result)]
    if rows:
        yield from _table([("worst seconds", "at", "requests", "bad", "slowest"), *rows])


def _second(at: int, piece: Slice, started_at: float) -> tuple[str, ...]:
    kinds = {"failed": piece.failed, "timed out": piece.timed_out, "not sent": piece.not_sent}
    bad = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    slowest = formats.duration(piece.response.quantile(1))
    return formats.offset(at - started_at), formats.clock(at), str(piece.planned), bad, slowest


def _outages(result: Result) -> list[str]:
    return [outages_said(seen) for seen in result.analysis.reliability if seen.outages]


def _faults(faults: Iterable[FaultResult]) -> list[str]:
    return [_fault(fault.times) for fault in faults]


def _fault(times: FaultTimes) -> str:
    undone = {True: "put back and verified", False: "STILL BROKEN", None: "nothing to put back"}
    said = f"{times.name} ({times.action}) on {', '.join(times.targets) or 'no target'}"
    return f"{said}: {undone[times.verified]}{f'; {times.error}' if times.error else ''}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "   ".join(cells).rstrip()

"""`timeline.csv`: one row per second and endpoint, for a spreadsheet or a notebook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from chaos.measure.formats import printable
from chaos.measure.recording import Slice, SliceKey
from chaos.report.result import Result
from chaos.report.series import seconds_of


class Row(NamedTuple):
    """One second of one endpoint; the field names are the header of the file."""

    second: int
    """Since the epoch."""
    offset: float
    """Seconds since the run started."""
    phase: str
    """Empty outside of all phases."""
    endpoint: str
    planned: int
    ok: int
    failed: int
    timed_out: int
    not_sent: int
    p50: float | None
    """Seconds from the moment a request was due, as are the next three."""
    p90: float | None
    p99: float | None
    max: float | None


def render_csv(result: Result) -> str:
    """The text of `timeline.csv`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(_rows(result))
    return text.getvalue()


def _rows(result: Result) -> Iterator[Row]:
    phases = {second: span.name.value for span in result.run.phases for second in seconds_of(span)}
    for key, piece in result.run.load:
        yield _row(key, piece, phases.get(key.second, ""), result.run.started_at)


def _row(key: SliceKey, piece: Slice, phase: str, started_at: float) -> Row:
    p50, p90, p99, longest = map(_rounded, piece.response.quantiles((0.5, 0.9, 0.99, 1)))
    return Row(
        second=key.second,
        offset=round(key.second - started_at, 3),
        phase=phase,
        endpoint=printable(key.endpoint),
        planned=piece.planned,
        ok=piece.ok,
        failed=piece.failed,
        timed_out=piece.timed_out,
        not_sent=piece.not_sent,
        p50=p50,
        p90=p90,
        p99=p99,
        max=longest,
    )


def _rounded(seconds: float | None) -> float | None:
    """To the microsecond: below that the histogram holds nothing."""
    return None if seconds is None else round(seconds, 6)

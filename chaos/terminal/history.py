"""The list of past runs, and what follows from all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.measure import formats
from chaos.report.history import PastRun, WatchedTime

_STYLE = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def print_history(runs: Sequence[PastRun], together: Iterable[WatchedTime]) -> None:
    """A line for each run, how often each verdict was given, and MTBF and MTTR over all."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("verdict", "run", "in", "lasted", "outages"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for run in runs:
        table.add_row(
            Text(run.verdict, style=_STYLE.get(run.verdict, "")),
            run.run_id,
            run.environment,
            formats.duration(run.ended_at - run.started_at),
            ", ".join(f"{seen.outages} ({seen.source})" for seen in run.watched) or formats.NOTHING,
        )
    console.print(table)
    verdicts = Counter(run.verdict for run in runs)
    counts = ", ".join(f"{times} {verdict}" for verdict, times in verdicts.items())
    console.print(f"\n{formats.plural(len(runs), 'run')}: {counts}")
    for seen in together:
        console.print(_said(seen), soft_wrap=True)


def _said(seen: WatchedTime) -> str:
    bounds = formats.interval(seen.mtbf_interval, "seconds")
    return (
        f"{seen.source}: {formats.plural(seen.outages, 'outage')} in "
        f"{formats.duration(seen.seconds)} watched, MTTR {formats.duration(seen.mttr)}, "
        f"MTBF {formats.duration(seen.mtbf)} (95% {bounds})"
    )

"""What is said at the end of a run."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.measure import formats
from chaos.measure.run import Ending
from chaos.report.result import FaultResult, Result
from chaos.slo.verdict import SloResult, Verdict

_STYLE = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}


def print_summary(result: Result, directory: Path) -> None:
    """The verdict, each objective, each fault, and where the report is."""
    console = Console(highlight=False)
    console.print(_headline(result))
    if result.slos:
        console.print(_slo_table(result.slos))
        for slo in result.slos:
            if slo.verdict is not Verdict.PASS:
                console.print(f"  {slo.name}: {slo.explanation}", style="dim")
    if result.faults:
        console.print(_fault_table(result.faults))
    if result.run.had_load:
        console.print(_load_line(result))
    console.print(f"report  {directory / 'report.html'}", soft_wrap=True)


def _headline(result: Result) -> Text:
    text = Text("\n")
    text.append(f"{result.verdict.upper()}", style=f"bold {_STYLE[result.verdict]}")
    text.append(f"  {result.run.title}")
    if result.run.ending is not Ending.COMPLETED:
        ending = result.run.ending.replace("_", " ")
        text.append(f"\n{ending}: {result.run.reason}", style="red")
    return text


def _slo_table(slos: tuple[SloResult, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("objective", "", "measured", "95 % interval", "verdict"):
        table.add_column(heading, header_style="dim")
    for slo in slos:
        verdict = Text(slo.verdict, style=_STYLE[slo.verdict])
        table.add_row(slo.name, slo.objective, slo.shown, slo.shown_interval, verdict)
    return table


def _fault_table(faults: tuple[FaultResult, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("fault", "targets", "noticed after", "recovered after", "undo"):
        table.add_column(heading, header_style="dim")
    for fault in faults:
        undo = {True: "verified", False: "STILL BROKEN", None: "none needed"}[fault.times.verified]
        table.add_row(
            fault.times.name,
            str(len(fault.times.targets)),
            formats.duration(fault.detected_after_s),
            formats.duration(fault.recovered_after_s),
            undo,
        )
    return table


def _load_line(result: Result) -> str:
    load = result.totals
    return (
        f"load    {load.planned} planned = {load.ok} ok + {load.failed} failed + "
        f"{load.timed_out} timed out + {load.not_sent} not sent"
    )

"""`report.md`: the result, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chaos.measure import formats
from chaos.measure.recording import Slice
from chaos.report.analysis import Analysis
from chaos.report.findings import findings
from chaos.report.headline import headline
from chaos.report.result import FaultResult, PhaseResult, Result
from chaos.slo.verdict import SloResult, Verdict

MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔"}

VERIFIED = {True: "yes", False: "NO", None: "nothing to undo"}

_TARGETS_NAMED = 3

# What would change the meaning of the text around it. Signs inside of words stay as they are.
_SPECIAL = re.compile(
    r"[\\`*\[\]|~]|<(?=[a-zA-Z/!?])|&(?=[#\w]+;)|(?<!\w)[_@]|_(?!\w)|^[#>]|^[+-](?=\s)"
)


def render_markdown(result: Result) -> str:
    """The text of `report.md`."""
    sections = (
        _head(result),
        _objectives(result.slos),
        _faults(result),
        _load(result.totals),
        _phases(result.phases),
        _findings(result.analysis),
        _foot(result),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def escaped(text: str) -> str:
    """The text on one line, without any sign that Markdown would act on."""
    line = " ".join(formats.printable(text).split())
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", line)


def _head(result: Result) -> str:
    verdict = f"{MARKS[result.verdict]} **{result.verdict.upper()}**"
    return f"## {escaped(result.run.title)}\n\n{verdict}: {escaped(headline(result))}"


def _objectives(slos: tuple[SloResult, ...]) -> str:
    if not slos:
        return ""
    header = ("Objective", "Wanted", "Measured", "95% interval", "Verdict")
    table = _table(header, (_objective_row(slo) for slo in slos))
    undecided = [slo for slo in slos if slo.verdict is Verdict.INCONCLUSIVE]
    why = "\n".join(f"- **{escaped(slo.name)}**: {escaped(slo.explanation)}" for slo in undecided)
    return f"{table}\n\nWhy inconclusive:\n\n{why}" if why else table


def _objective_row(slo: SloResult) -> tuple[str, ...]:
    return (
        slo.name,
        formats.objective(slo.objective),
        slo.shown,
        slo.shown_interval,
        f"{MARKS[slo.verdict]} {slo.verdict}",
    )


def _faults(result: Result) -> str:
    if not result.faults:
        return ""
    header = ("Fault", "Targets", "Injected", "Reverted", "Verified", "Detected", "Recovered")
    started_at = result.run.started_at
    table = _table(header, (_fault_row(fault, started_at) for fault in result.faults))
    errors = [
        f"- **{escaped(fault.times.name)}**: {escaped(fault.times.error)}"
        for fault in result.faults
        if fault.times.error
    ]
    return "\n\n".join(["### Faults", table, *(["\n".join(errors)] if errors else [])])


def _fault_row(fault: FaultResult, started_at: float) -> tuple[str, ...]:
    times = fault.times
    return (
        f"{times.name} ({times.action})",
        _targets(times.targets),
        _span(times.inject_called_at, times.inject_confirmed_at, started_at),
        _span(times.revert_called_at, times.revert_confirmed_at, started_at),
        VERIFIED[times.verified],
        _after(fault.detected_after_s),
        _after(fault.recovered_after_s),
    )


def _targets(ids: tuple[str, ...]) -> str:
    named = ", ".join(ids[:_TARGETS_NAMED])
    rest = len(ids) - _TARGETS_NAMED
    return f"{named} and {rest} more" if rest > 0 else named or formats.NOTHING


def _span(called: float | None, confirmed: float | None, started_at: float) -> str:
    """`+0:15.0 → +0:16.2`: called and confirmed, since the start of the run."""
    if called is None:
        return formats.NOTHING
    until = "not confirmed" if confirmed is None else formats.offset(confirmed - started_at)
    return f"{formats.offset(called - started_at)} → {until}"


def _after(seconds: float | None) -> str:
    return formats.NOTHING if seconds is None else f"after {formats.duration(seconds)}"


def _load(totals: Slice) -> str:
    if not totals.planned:
        return ""
    parts = (
        f"**{formats.plural(totals.planned, 'planned request')}**",
        f"{formats.count(totals.ok)} ok",
        f"{formats.count(totals.failed)} failed",
        f"{formats.count(totals.timed_out)} timed out",
        f"{formats.count(totals.not_sent)} not sent",
    )
    return f"### Load\n\n{parts[0]}: {', '.join(parts[1:])}"


def _phases(phases: tuple[PhaseResult, ...]) -> str:
    if not any(phase.load.planned for phase in phases):
        return ""
    header = ("Phase", "Lasted", "Availability", "p50", "p90", "p99", "Max")
    return _table(header, (_phase_row(phase) for phase in phases))


def _phase_row(phase: PhaseResult) -> tuple[str, ...]:
    response = phase.load.response
    return (
        phase.name,
        formats.duration(phase.span.seconds),
        formats.percentage(phase.load.availability),
        *(formats.duration(response.quantile(q)) for q in (0.5, 0.9, 0.99, 1)),
    )


def _findings(analysis: Analysis) -> str:
    lines = "\n".join(f"- {escaped(line)}" for line in findings(analysis))
    return f"### Beside the verdicts\n\n{lines}" if lines else ""


def _foot(result: Result) -> str:
    run = result.run
    lasted = formats.duration(run.ended_at - run.started_at)
    return (
        f"Run {escaped(run.run_id)} in {escaped(run.environment)}, "
        f"{formats.moment(run.started_at)}, {lasted}. "
        "Charts and every event are in `report.html` beside this file."
    )


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(header)
    rule = "|".join(["", *(" --- " for _ in names), ""])
    return "\n".join([_line(names), rule, *(_line(row) for row in rows)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"

"""From a finished run to the outcome of the test that ran it."""

from __future__ import annotations

import pytest

from chaos.api import FinishedRun
from chaos.engine.environment import OpenEnvironment
from chaos.engine.recovery import commands_by_hand, read_unfinished
from chaos.measure.run import Ending
from chaos.report.explanation import explanation
from chaos.report.headline import headline
from chaos.slo.verdict import Verdict
from chaos.testing.options import Inconclusive
from chaos.testing.properties import properties
from chaos.testing.session import ChaosSession
from chaos.testing.summary import note

_DECIDABLE = {Ending.COMPLETED, Ending.ALREADY_SICK}
"""Endings of which the verdict says all; the others are no measurement."""


def note_run(item: pytest.Item, finished: FinishedRun, session: ChaosSession) -> None:
    """Keep the numbers of a run for JUnit, and a line on it for the end of the output."""
    item.user_properties.extend(properties(finished))
    run = finished.result.run
    judged = run.ending is Ending.COMPLETED and finished.result.slos
    ended = finished.verdict if judged else run.ending.replace("_", " ")
    note(item, f"{ended.upper():<13} {run.title}\n{'':<13} {session.shown(finished.report)}")


def stop_if_broken(
    item: pytest.Item, finished: FinishedRun, environment: OpenEnvironment
) -> str | None:
    """Let no other test begin where something is still broken; what, and how to mend it."""
    run = finished.result.run
    if run.ending is not Ending.ROLLBACK_INCOMPLETE:
        return None
    item.session.shouldstop = f"{run.title}: SOMETHING IS STILL BROKEN"
    lines = (
        f"STILL BROKEN: {run.reason}",
        "tried again by:",
        f"  chaos recover {finished.directory}",
        "mended by hand with:",
        *(f"  {command}" for command in _commands(finished, environment)),
    )
    note(item, "\n".join(lines))
    return "\n".join(lines)


def _commands(finished: FinishedRun, environment: OpenEnvironment) -> list[str]:
    """The last injected first."""
    unfinished = read_unfinished(finished.directory)
    if unfinished is None or environment.clients is None:
        return []
    return [
        command
        for fault in reversed(unfinished.open_faults)
        for command in commands_by_hand(fault, environment.clients)
    ]


def require_pass(finished: FinishedRun, session: ChaosSession) -> None:
    """Return where the run has passed; else end the test as the run and the options say."""
    __tracebackhide__ = True
    if finished.unwritten:
        pytest.fail(f"the report is not whole: {finished.unwritten}")
    ending, verdict = finished.result.run.ending, finished.verdict
    if ending is Ending.COMPLETED and verdict is Verdict.PASS:
        return
    if ending in _DECIDABLE and verdict is Verdict.INCONCLUSIVE:
        _end_undecided(finished, session)
    pytest.fail(f"{explanation(finished.result)}\n\nreport  {session.shown(finished.report)}")


def _end_undecided(finished: FinishedRun, session: ChaosSession) -> None:
    __tracebackhide__ = True
    reason = f"inconclusive: {headline(finished.result)}"
    match session.options.inconclusive:
        case Inconclusive.SKIP:
            pytest.skip(reason)
        case Inconclusive.XFAIL:
            pytest.xfail(reason)
        case Inconclusive.FAIL:
            pass

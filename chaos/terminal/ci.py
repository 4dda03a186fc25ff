"""A run in CI: plain lines, and what GitHub Actions makes of it.

Source: GitHub Docs, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.engine.observer import Observer
from chaos.measure.run import Ending
from chaos.report.headline import headline
from chaos.report.markdown import render_markdown
from chaos.report.result import Result
from chaos.slo.verdict import Verdict
from chaos.terminal.plain import PlainObserver


@contextmanager
def watch_in_ci(title: str) -> Iterator[Observer]:
    """Something to show the run with; on GitHub, its lines are folded away."""
    on_github = "GITHUB_ACTIONS" in os.environ
    if on_github:
        print(f"::group::{_on_one_line(title)}", flush=True)
    try:
        yield PlainObserver()
    finally:
        if on_github:
            print("::endgroup::", flush=True)


def publish(result: Result) -> None:
    """On GitHub: an annotation unless it passed, and the report in the job's summary.

    Raises:
        OSError: the summary's file cannot be written.
    """
    if result.verdict is not Verdict.PASS and "GITHUB_ACTIONS" in os.environ:
        open_question = result.run.ending is Ending.COMPLETED and result.verdict is not Verdict.FAIL
        kind = "warning" if open_question else "error"
        title = _on_one_line(result.run.title).replace(":", "%3A").replace(",", "%2C")
        print(f"::{kind} title={title}::{_on_one_line(headline(result))}", flush=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{render_markdown(result)}\n")


def _on_one_line(text: str) -> str:
    """Escaped as a workflow command's value must be."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

"""`report.md`: the result, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chaos.measure.recording import Slice
from chaos.report import formats
from chaos.report.headline import headline
from chaos.report.result import FaultResult, PhaseResult, Result
from chaos.slo.verdict import SloResult, Verdict

MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔"}

_TARGETS_NAMED = 3

# What would change the meaning of the text around it. Signs inside of words stay as they are.
_SPECIAL = re.compile(r"[\\`*\[\]|~]|<(?=[a-zA-Z/!?])|&(?=[#\w]+;)|(?<!\w)[_@]|_(?!\w)|^[#+>-]")


def render_markdown(result: Result) -> str:
    """The text of `report.md`."""
    sections = (
        _head(result),
        _objectives(result.slos),
        _faults(result),
        _load(result.totals),
        _phases(result.phases),
        _foot(result),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def escaped(text: str) -> str:
    """The text on one line, without any sign that Markdown would act on."""
    line = " ".join(formats.printable(text).split())
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", line)


def _head(result: Result) -> str:
    verdict = f"{MARKS[result.verdict]} **{result.verdict.upper()}**"
    return f"## {escaped(result.run.title)}\n\n{verdict}: {_with_code(headline(result))}"


def _with_code(text: str) -> str:
    """Escaped, but a command that our own sentence names stays code."""
    command = "`chaos recover`"
    return command.join(escaped_part for escaped_part in _escaped_parts(text, command))


def _escaped_parts(text: str, between: str) -> list[str]:
    return [escaped(f"x{part}x")[1:-1] for part in text.split(between)]

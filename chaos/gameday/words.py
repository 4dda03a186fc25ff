"""What both reports of a game day say in the same words."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.gameday.day import DayStatus, RunStatus
from chaos.gameday.joined import Joined
from chaos.measure.formats import plural
from chaos.model.gameday import GameDay

STATUS_MARKS: dict[str, str] = {
    **{status.value: "◻" for status in (*DayStatus, *RunStatus)},
    DayStatus.PASSED.value: "✔",
    RunStatus.PASS.value: "✔",
    DayStatus.FAILED.value: "✘",
    RunStatus.FAIL.value: "✘",
    DayStatus.BROKEN.value: "✘",
    DayStatus.INCONCLUSIVE.value: "?",
}
"""A sign for each status, of a day or a run."""

TONES: dict[str, str] = {
    **{status.value: "inconclusive" for status in (*DayStatus, *RunStatus)},
    DayStatus.PASSED.value: "pass",
    RunStatus.PASS.value: "pass",
    DayStatus.FAILED.value: "fail",
    RunStatus.FAIL.value: "fail",
    DayStatus.BROKEN.value: "fail",
}
"""The colour of each status: pass, fail, or inconclusive for all between."""


def sentence(joined: Joined) -> str:
    """The whole day in a sentence or two."""
    runs = [chapter.run for chapter in joined.chapters]
    reason = joined.day.reason
    because = f" It ended early: {reason.rstrip('.')}." if reason and runs else ""
    if not runs:
        return reason or "Nothing was run."
    counts = {status: sum(run.status is status for run in runs) for status in RunStatus}
    passed = counts.pop(RunStatus.PASS)
    rest = "".join(f", {count} {status}" for status, count in counts.items() if count)
    told = f"{passed} of {plural(len(runs), 'experiment')} passed{rest}."
    ups = len(joined.follow_ups)
    todo = f" {plural(ups, 'follow-up')} to do." if ups else ""
    return f"{told}{because}{todo}"


def who_was_there(gameday: GameDay) -> Iterator[str]:
    """The owner and the participants with their roles."""
    if gameday.owner:
        yield f"owner: {gameday.owner}"
    if gameday.participants:
        named = (f"{p.name} ({p.role})" if p.role else p.name for p in gameday.participants)
        yield f"with {', '.join(named)}"

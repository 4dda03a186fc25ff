"""`gameday.md`: the joined report, for a wiki or a chat."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.gameday.day import Note, NoteKind
from chaos.gameday.joined import Chapter, Joined
from chaos.gameday.words import STATUS_MARKS, sentence, who_was_there
from chaos.measure import formats
from chaos.report.markdown import escaped


def render_markdown(joined: Joined) -> str:
    """The text of `gameday.md`."""
    sections = (
        _head(joined),
        _summary(joined.chapters),
        *(_chapter(chapter) for chapter in joined.chapters),
        _notes("Notes", joined.notes),
        _notes("Follow-ups", joined.follow_ups, box="[ ] "),
        _foot(joined),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(joined: Joined) -> str:
    day, gameday = joined.day, joined.gameday
    mark = STATUS_MARKS[day.status]
    parts = [
        f"# {escaped(day.title)}",
        f"{mark} **{day.status.upper()}**: {escaped(sentence(joined))}",
    ]
    if gameday.description:
        parts.append(escaped(gameday.description))
    facts = [formats.moment(day.began_at or day.starts_at), f"in {gameday.environment}"]
    parts.append(escaped("; ".join([*facts, *who_was_there(gameday)])))
    return "\n\n".join(parts)


def _summary(chapters: Iterable[Chapter]) -> str:
    rows = [
        "| # | Experiment | Verdict | Users saw it | The alarm rang | A person noticed |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(chapter) for chapter in chapters),
    ]
    return "\n".join(rows) if len(rows) > 2 else ""  # noqa: PLR2004 - more than the head


def _row(chapter: Chapter) -> str:
    seen = chapter.noticed
    cells = (
        str(chapter.run.position),
        escaped(chapter.run.title),
        f"{STATUS_MARKS[chapter.run.status]} {chapter.run.status}",
        _after(seen.users),
        _after(seen.alarm, seen.alarm_name),
        _after(seen.person, seen.person_name),
    )
    return f"| {' | '.join(cells)} |"


def _after(seconds: float | None, who: str = "") -> str:
    if seconds is None:
        return formats.NOTHING
    named = f" ({escaped(who)})" if who else ""
    return f"after {formats.duration(seconds)}{named}"


def _chapter(chapter: Chapter) -> str:
    run = chapter.run
    parts = [f"## {run.position}. {escaped(run.title)}"]
    if run.expect:
        parts.append(f"Expected: {escaped(run.expect)}")
    if run.said:
        parts.append(f"**{run.status.upper()}**: {escaped(run.said)}")
    if chapter.result and chapter.result.slos:
        parts.append("\n".join(_objectives(chapter)))
    parts.append("\n".join(_note(note) for note in chapter.notes))
    if link := chapter.link("report.md"):
        parts.append(f"[The whole of this run]({link})")
    return "\n\n".join(part for part in parts if part)


def _objectives(chapter: Chapter) -> Iterable[str]:
    yield "| Objective | Wanted | Measured | Verdict |"
    yield "| --- | --- | --- | --- |"
    for slo in chapter.result.slos if chapter.result else ():
        wanted = formats.objective(slo.objective)
        yield f"| {escaped(slo.name)} | {escaped(wanted)} | {slo.shown} | {slo.verdict} |"


def _notes(title: str, notes: Iterable[Note], box: str = "") -> str:
    lines = [_note(note, box) for note in notes]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _note(note: Note, box: str = "") -> str:
    noticed = "noticed: " if note.kind is NoteKind.DETECTED else ""
    return f"- {box}{formats.clock(note.at)} **{escaped(note.by)}**: {noticed}{escaped(note.text)}"


def _foot(joined: Joined) -> str:
    approvals = [f"approved by {one.by} at {formats.moment(one.at)}" for one in joined.approvals]
    failed = [
        f"{one.channel} was not told ({one.occasion}): {one.error}"
        for one in joined.deliveries
        if one.error
    ]
    said = [f"Game day {joined.day.id}", *approvals, *failed]
    return f"{escaped('; '.join(said))}."

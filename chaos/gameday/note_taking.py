"""What someone types during a game day, as a note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from chaos.gameday.day import Note, NoteKind
from chaos.model.gameday import Participant
from chaos.model.problems import InvalidInput, Problem

HINT = "NAME: what was seen · !NAME: what was noticed · >NAME: what is to be done · @14:03:12 first"

_KINDS = {"!": NoteKind.DETECTED, ">": NoteKind.FOLLOW_UP}
_TIME = re.compile(r"@(\d{1,2}):(\d{2})(?::(\d{2}))?\s+")
_SECONDS = 3


@dataclass(frozen=True, slots=True)
class NoteTaker:
    """Whoever sits at the keyboard on a day."""

    day: str
    by: str
    people: Sequence[Participant]
    zone: tzinfo | None = None
    """Of times of day; None is the machine's."""

    def read(self, line: str, at: float) -> Note | None:
        """The note that a line is, typed at that time; None where there is nothing in it.

        The line itself may name an earlier time, and another of the people.

        Raises:
            InvalidInput: the time it names is none.
        """
        text = line.strip()
        kind = _KINDS.get(text[:1], NoteKind.NOTE)
        text = text[1:].lstrip() if text[:1] in _KINDS else text
        told = _TIME.match(text)
        if told:
            text = text[told.end() :]
            at = clock_time(told[0][1:].strip(), at, self.zone)
        name, colon, rest = text.partition(":")
        known = {one.name.lower(): one.name for one in self.people}
        note = Note(self.day, at, self.by, kind, text)
        if colon and name.strip().lower() in known:
            note = replace(note, by=known[name.strip().lower()], text=rest.strip())
        return note if note.text else None


def clock_time(text: str, before: float, zone: tzinfo | None) -> float:
    """The last time before `before` at which clocks showed `14:03` or `14:03:12`.

    Raises:
        InvalidInput: it is no time of day.
    """
    parts = text.split(":")
    latest = datetime.fromtimestamp(before, zone)
    try:
        hour, minute, second = (int(part) for part in [*parts, "0"][:_SECONDS])
        moment = latest.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise InvalidInput(Problem(f"{text} is no time of day; write 14:03 or 14:03:12")) from None
    if moment > latest:
        moment -= timedelta(days=1)
    return moment.timestamp()

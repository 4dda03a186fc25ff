"""One game day as the store keeps it: its row, its runs, what people noted."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from pydantic.dataclasses import dataclass

from chaos.model.secrets import Concealed


class DayStatus(StrEnum):
    """What became of a game day."""

    ANNOUNCED = "announced"
    """It is to come, and people were told."""
    DUE = "due"
    """Its time has come; it waits for its approval, or its turn."""
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"
    """Ended early; everything was put back."""
    BROKEN = "broken"
    """Something that was broken for it is still broken."""
    UNUSABLE = "unusable"
    """The environment could not be used."""
    REFUSED = "refused"
    """It was not allowed to begin."""
    MISSED = "missed"
    """Nobody was there to run it in time."""
    INTERRUPTED = "interrupted"
    """The scheduler was killed while it ran; it is not run again."""
    WITHDRAWN = "withdrawn"
    """It was announced, then taken out of the schedule."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it."""
        return self not in {DayStatus.ANNOUNCED, DayStatus.DUE, DayStatus.RUNNING}


class RunStatus(StrEnum):
    """What became of one experiment of a day."""

    RUNNING = "running"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"
    BROKEN = "broken"
    UNUSABLE = "unusable"
    REFUSED = "refused"
    SKIPPED = "skipped"
    """The facilitator left it out."""


class NoteKind(StrEnum):
    """What a note is about."""

    NOTE = "note"
    DETECTED = "detected"
    """A person noticed that something was wrong."""
    FOLLOW_UP = "follow-up"
    """Something to be done after the day."""


@dataclass(frozen=True, slots=True)
class Day:
    """One game day; times in seconds since the epoch, None where it has not come to it."""

    id: str
    gameday: str
    """The name of its file."""
    title: str
    file: str
    starts_at: float
    """When it is, or was, planned to begin."""
    status: DayStatus
    reason: Concealed = ""
    announced_at: float | None = None
    began_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class DayRun:
    """One experiment of a day."""

    day: str
    position: int
    """From 1."""
    file: str
    title: str
    expect: str
    status: RunStatus
    began_at: float
    ended_at: float | None = None
    run_id: str | None = None
    """The name of its directory below the reports; None where it never came to have one."""
    said: Concealed = ""
    """The verdict in a sentence, or why there is none."""


@dataclass(frozen=True, slots=True)
class Note:
    """What someone said."""

    day: str
    at: float
    by: str
    kind: NoteKind
    text: Concealed


@dataclass(frozen=True, slots=True)
class Approved:
    """A person's yes."""

    what: str
    """The id of a day, or the name of a game day: then it is for whichever is next."""
    by: str
    at: float
    expires_at: float
    digest: str
    """Of the files as they were."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one notification."""

    day: str
    at: float
    occasion: str
    channel: str
    error: Concealed = ""
    """Empty where it was delivered."""


def day_id(gameday: str, starts_at: float) -> str:
    """`shop-20261203-090000`, in UTC: the same for everyone who computes it."""
    return f"{gameday}-{datetime.fromtimestamp(starts_at, UTC):%Y%m%d-%H%M%S}"

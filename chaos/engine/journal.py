"""The journal: what a run is about to do and what it did, on disk before it happens.

One JSON object per line, appended and fsynced: `{"crc32": ..., "number": 0, "record": {...}}`; the
numbers tell how many lines are missing where some are damaged. The state that
an undo needs is in it before the first change is made, so whatever happens to the runner, the way
back is known. A line that was torn or altered does not match its checksum: it is reported, and
never trusted.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chaos.measure.run import Ending, PhaseName
from chaos.model.experiment import Experiment
from chaos.model.secrets import Concealed

FILE_NAME = "journal.jsonl"


class Record(BaseModel):
    """One line of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float
    """Seconds since the epoch."""


class RunStarted(Record):
    """The run exists; nothing is touched yet."""

    kind: Literal["run-started"] = "run-started"
    run_id: str
    experiment: Experiment
    file: str
    environment: str
    account: str | None
    region: str | None
    endpoint_url: str | None = None
    """Where the AWS API was, where that is not AWS's own: a lab."""
    seed: int


class PhaseStarted(Record):
    """A phase begins; the one before it ends."""

    kind: Literal["phase-started"] = "phase-started"
    phase: PhaseName


class PhasesEnded(Record):
    """The last phase ends."""

    kind: Literal["phases-ended"] = "phases-ended"


class Captured(Record):
    """An action is about to be injected; this is all that its undo needs."""

    kind: Literal["captured"] = "captured"
    name: str
    action: str
    parameters: dict[str, Any]
    targets: tuple[str, ...]
    state: dict[str, Any]


class Stage(StrEnum):
    """How far an action has come."""

    INJECT_CALLED = "inject-called"
    INJECT_CONFIRMED = "inject-confirmed"
    REVERT_CALLED = "revert-called"
    REVERT_CONFIRMED = "revert-confirmed"


class Reached(Record):
    """An action has come to a stage."""

    kind: Literal["reached"] = "reached"
    name: str
    stage: Stage


class Failed(Record):
    """Something about an action went wrong."""

    kind: Literal["failed"] = "failed"
    name: str
    error: Concealed
    still_broken: bool
    """Whether what it changed is still changed."""


class Noted(Record):
    """Something worth a line in the report."""

    kind: Literal["noted"] = "noted"
    about: str
    text: Concealed


class SteadyState(Record):
    """The steady state was asked at the end."""

    kind: Literal["steady-state"] = "steady-state"
    holds: bool


class RunEnded(Record):
    """The run is over, and nothing of it is open but what it says itself."""

    kind: Literal["run-ended"] = "run-ended"
    ending: Ending
    reason: Concealed


AnyRecord = Annotated[
    RunStarted
    | PhaseStarted
    | PhasesEnded
    | Captured
    | Reached
    | Failed
    | Noted
    | SteadyState
    | RunEnded,
    Field(discriminator="kind"),
]
_READER: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)


def announces_a_change(record: AnyRecord) -> bool:
    """Whether what the record says is done only once it is written."""
    called = isinstance(record, Reached) and record.stage is Stage.INJECT_CALLED
    return called or isinstance(record, Captured)


class Journal(Protocol):
    """Where records go."""

    def write(self, record: AnyRecord) -> None:
        """Keep the record; when this returns, it survives a power cut.

        Raises:
            OSError: it could not be kept.
        """


class FileJournal:
    """A journal in a run's directory; one that is there is gone on with."""

    def __init__(self, directory: Path, sync: Callable[[int], None] = os.fsync) -> None:
        """`sync` returns when what was written to a file descriptor survives a power cut."""
        self._sync = sync
        self.lines = _end_torn_line(directory / FILE_NAME)
        """How many there are."""
        self._file = (directory / FILE_NAME).open("ab", buffering=0)
        _sync_directory(directory)

    def write(self, record: AnyRecord) -> None:
        """See `Journal`."""
        self.write_line(line_of(record, self.lines))

    def write_line(self, line: bytes) -> None:
        """Keep a line as `line_of` makes it, or leave no trace of it; see `write`."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(line):  # a disk that fills up takes a part
                written += self._file.write(line[written:])
            self._sync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._file.truncate(end)
            raise
        self.lines += 1

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _end_torn_line(file: Path) -> int:
    """Let what a crash cut off not spoil the next line: it is taken away, or ended if it is whole.

    What a torn line would have announced was not begun, for a line is on disk before that. Returns
    how many lines there are now.
    """
    if not file.exists():
        return 0
    *whole, torn = file.read_bytes().split(b"\n")
    if torn and _read_line(torn, len(whole)) is not None:
        with file.open("ab") as journal:
            journal.write(b"\n")
        return len(whole) + 1
    if torn:
        os.truncate(file, file.stat().st_size - len(torn))
    return len(whole)


def _sync_directory(directory: Path) -> None:
    """Make the file's name itself survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_BEGINNING = b'{"crc32":"'
_LINE = re.compile(
    rb'\{"crc32":"(?P<crc32>[0-9a-f]{8})",'
    rb'(?P<body>"number":(?P<number>[0-9]+),"record":(?P<record>.*))\}'
)
_UNNUMBERED = re.compile(rb'\{"crc32":"(?P<crc32>[0-9a-f]{8})","record":(?P<body>(?P<record>.*))\}')
"""As lines were before they had numbers; a line of today cannot be damaged into one."""


def line_of(record: AnyRecord, number: int) -> bytes:
    """The record as it stands in a journal, with its checksum and its end.

    `number` is how many lines stand before it.
    """
    body = b'"number":%d,"record":%s' % (number, record.model_dump_json().encode())
    return b'{"crc32":"%08x",%s}\n' % (zlib.crc32(body), body)


@dataclass(frozen=True, slots=True)
class StoredJournal:
    """What a journal says."""

    records: tuple[AnyRecord, ...]
    damaged: tuple[int, ...]
    """Lines that cannot be trusted, counted from 1; a torn last one is not among them."""
    missing: int = 0
    """Records that stood there; where no good line follows, 2, for one may have been several."""


def read_journal(directory: Path) -> StoredJournal:
    """All lines of a run's journal that are whole.

    A last line without its end is what a crash leaves behind: what it would have announced was not
    begun, for a line is on disk before that. One that is not the beginning of a line is damaged.

    Raises:
        FileNotFoundError: there is no journal.
    """
    *whole, torn = (directory / FILE_NAME).read_bytes().split(b"\n")
    read = [_read_line(line, before) for before, line in enumerate(whole)]
    last = _read_line(torn, len(whole))
    if last or (torn and not _is_torn(torn)):
        read.append(last)
    damaged = tuple(number for number, found in enumerate(read, 1) if found is None)
    good = [found for found in read if found is not None]
    missing = good[-1].number + 1 - len(good) if good else 0
    missing += 2 if damaged and read[-1] is None else 0
    return StoredJournal(tuple(found.record for found in good), damaged, missing)


def _is_torn(line: bytes) -> bool:
    """Whether it looks like a line whose end was not written: something in it is still open."""
    begins = line.startswith(_BEGINNING[: len(line)])
    return begins and line.count(b"{") > line.count(b"}")


class _Line(NamedTuple):
    number: int
    record: AnyRecord


def _read_line(line: bytes, before: int) -> _Line | None:
    """A line without its end, after so many others; None where it is torn or was altered."""
    found = _LINE.fullmatch(line) or _UNNUMBERED.fullmatch(line)
    if not found or int(found["crc32"], 16) != zlib.crc32(found["body"]):
        return None
    try:
        number = int(found.groupdict().get("number", before))
        return _Line(number, _READER.validate_json(found["record"]))
    except ValidationError:
        return None

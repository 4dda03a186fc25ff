"""The journal: what a run is about to do and what it did, on disk before it happens.

One JSON object per line, appended and fsynced: `{"crc32": ..., "record": {...}}`. The state that
an undo needs is in it before the first change is made, so whatever happens to the runner, the way
back is known. A line that was torn or altered does not match its checksum: it is reported, and
never trusted.
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chaos.measure.run import Ending, PhaseName
from chaos.model.experiment import Experiment

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
    error: str
    still_broken: bool
    """Whether what it changed is still changed."""


class Noted(Record):
    """Something worth a line in the report."""

    kind: Literal["noted"] = "noted"
    about: str
    text: str


class SteadyState(Record):
    """The steady state was asked at the end."""

    kind: Literal["steady-state"] = "steady-state"
    holds: bool


class RunEnded(Record):
    """The run is over, and nothing of it is open but what it says itself."""

    kind: Literal["run-ended"] = "run-ended"
    ending: Ending
    reason: str


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


class Journal(Protocol):
    """Where records go."""

    def write(self, record: AnyRecord) -> None:
        """Keep the record; when this returns, it survives a power cut.

        Raises:
            OSError: it could not be kept.
        """


class FileJournal:
    """A journal in a run's directory."""

    def __init__(self, directory: Path) -> None:
        self._file = (directory / FILE_NAME).open("ab")
        _sync_directory(directory)

    def write(self, record: AnyRecord) -> None:
        """See `Journal`."""
        self._file.write(_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _sync_directory(directory: Path) -> None:
    """Make the file's name itself survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_LINE = re.compile(rb'\{"crc32":"([0-9a-f]{8})","record":(.*)\}')


def _line(record: AnyRecord) -> bytes:
    body = record.model_dump_json().encode()
    return b'{"crc32":"%08x","record":%s}\n' % (zlib.crc32(body), body)


@dataclass(frozen=True, slots=True)
class StoredJournal:
    """What a journal says."""

    records: tuple[AnyRecord, ...]
    damaged: tuple[int, ...]
    """Lines that cannot be trusted, counted from 1; a torn last one is not among them."""


def read_journal(directory: Path) -> StoredJournal:
    """All lines of a run's journal that are whole.

    A last line without its end is what a crash leaves behind: what it would have announced was not
    begun, for a line is on disk before that.

    Raises:
        FileNotFoundError: there is no journal.
    """
    *whole, torn = (directory / FILE_NAME).read_bytes().split(b"\n")
    records, damaged = [], []
    for number, line in enumerate(whole, 1):
        record = _read_line(line)
        if record is None:
            damaged.append(number)
        else:
            records.append(record)
    last = _read_line(torn)
    return StoredJournal((*records, *([last] if last else [])), tuple(damaged))


def _read_line(line: bytes) -> AnyRecord | None:
    found = _LINE.fullmatch(line)
    if not found or int(found[1], 16) != zlib.crc32(found[2]):
        return None
    try:
        return _READER.validate_json(found[2])
    except ValidationError:
        return None

"""The journal: what a run is about to do and what it did, on disk before it happens.

One JSON object per line, appended and fsynced. The state that an undo needs is in it before the
first change is made, so whatever happens to the runner, the way back is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
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
        self._file.write(record.model_dump_json().encode() + b"\n")
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


def read_journal(directory: Path) -> Iterator[AnyRecord]:
    """The records of a run, in order; a last line that was torn by a crash is left out.

    Raises:
        FileNotFoundError: there is no journal.
        ValueError: a line before the last cannot be read.
    """
    lines = (directory / FILE_NAME).read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        try:
            yield _READER.validate_json(line)
        except ValidationError as error:
            if number < len(lines):
                message = f"{directory / FILE_NAME}:{number}: not a journal line: {error}"
                raise ValueError(message) from error

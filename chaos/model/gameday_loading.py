"""From a file to a game day: everything that is wrong with it is said at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chaos.model.document import read_document
from chaos.model.gameday import GameDay
from chaos.model.loading import find_beside
from chaos.model.messages import Finding, findings
from chaos.model.problems import InvalidInput, Problem
from chaos.model.variables import fill_in


@dataclass(frozen=True, slots=True)
class LoadedGameDay:
    """A game day and the file it came from."""

    gameday: GameDay
    file: Path
    experiments: tuple[Path, ...]
    """The files of its experiments, in the written order."""

    @property
    def name(self) -> str:
        """What its ids begin with: the name of its file."""
        return re.sub(r"[^a-z0-9]+", "-", self.file.stem.lower()).strip("-") or "gameday"

    @property
    def digest(self) -> str:
        """What an approval is for: it no longer counts when any of the files changes.

        Raises:
            OSError: one of the files is gone.
        """
        together = hashlib.sha256()
        for file in (self.file, *self.experiments):
            together.update(file.read_bytes() + b"\0")
        return together.hexdigest()


def load_gameday(file: Path) -> LoadedGameDay:
    """Read and check a game day; its experiments are only looked for.

    Raises:
        InvalidInput: with every problem of the file.
    """
    document = read_document(file)
    if not isinstance(document.values, dict):
        raise InvalidInput(
            Problem("a game day is a mapping with at least a title and experiments", file)
        )
    values, problems = fill_in(document, {"id": "${id}"})  # of the day, which is not known yet
    gameday, wrong = _validate(values)
    for finding in (*wrong, *_missing_files(file, values)):
        problems.append(document.problem(finding.message, finding.path, of_key=finding.of_key))
    if problems or gameday is None:
        raise InvalidInput(*sorted(problems, key=_by_place))
    found = (find_beside(file, use.file) for use in gameday.experiments)
    return LoadedGameDay(gameday, file, tuple(path for path in found if path))


def _validate(values: dict[str, Any]) -> tuple[GameDay | None, list[Finding]]:
    try:
        return GameDay.model_validate(values), []
    except ValidationError as error:
        return None, list(findings(error, GameDay))


def _missing_files(file: Path, values: dict[str, Any]) -> Iterator[Finding]:
    uses = values.get("experiments")
    for index, use in enumerate(uses if isinstance(uses, list) else ()):
        name = use.get("file") if isinstance(use, dict) else use
        if isinstance(name, str) and name and find_beside(file, name) is None:
            path = ("experiments", index, *(("file",) if isinstance(use, dict) else ()))
            message = f"no such file: {name} (looked beside this file and in the working directory)"
            yield Finding(message, path)


def _by_place(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)

"""What is wrong with a user's file, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file; line and column count from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in one line."""

    message: str
    file: Path | None = None
    place: Place | None = None

    def __str__(self) -> str:
        if self.file is None:
            return self.message
        if self.place is None:
            return f"{self.file}: {self.message}"
        return f"{self.file}:{self.place.line}:{self.place.column}: {self.message}"


class ChaosError(Exception):
    """The root of the errors that are told to the user as one message, never as a traceback.

    ChaosError
     ├── InvalidInput          a file or an option is wrong                    exit 2
     ├── Refused               the run may not start, and says why             exit 2
     │    └── EnvironmentTaken as another run is going on                      exit 2
     └── EnvironmentUnusable   no load, no AWS, no lab, no steady state        exit 6
    """


class InvalidInput(ChaosError):
    """Something the user wrote is wrong; all that is wrong with it is said at once."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Refused(ChaosError):
    """The run would not be safe, or would not do anything."""


class EnvironmentTaken(Refused):
    """Another run is going on in the environment; when it has ended, this one may start."""


class EnvironmentUnusable(ChaosError):
    """The system or a tool that is needed cannot be reached or does not work."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint with the nearest valid name and, where they are few, all of them; may be empty."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    few = 8
    hint = f"; did you mean {close[0]}?" if close else ""
    if names and (len(names) <= few or not close):
        hint += f" (allowed: {', '.join(names)})"
    return hint

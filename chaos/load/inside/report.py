"""What an agent tells the controller."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass(slots=True)
class Report:
    """The state of one process that makes load, and what is new since the last report."""

    users: int = 0
    """Users that live."""
    started: int = 0
    """Users that have come as far as their first task."""
    drained: bool = False
    """Whether all is recorded and nothing more will come."""
    error: str = ""
    """Why users could not even be made."""
    notices: list[str] = field(default_factory=list)
    recording: dict[str, Any] | None = None
    """As JSON; None where nothing was recorded."""

    def to_json(self) -> dict[str, Any]:
        """A value that Locust can send."""
        # Not `asdict`: it copies a recording through and through, which delays arrivals.
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(**value)


def describe(error: BaseException | None, file: str) -> str:
    """An error in one line, with its place in the Locust file."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    line = None
    trace = error.__traceback__ if error else None
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{text} ({file}, line {line})" if line else text

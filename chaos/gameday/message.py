"""What is said about a game day: before, when it is cut short, and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from chaos.gameday.day import Day, DayRun
from chaos.model.gameday import GameDay
from chaos.model.notification import Occasion


@dataclass(frozen=True, slots=True)
class Planned:
    """One experiment of the plan."""

    title: str
    objectives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message, the same for every channel."""

    occasion: Occasion
    day: str
    title: str
    status: str
    headline: str
    """One line."""
    lines: tuple[str, ...] = ()
    link: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """For machines."""

    @property
    def text(self) -> str:
        """All of it, for people."""
        link = [f"Report: {self.link}"] if self.link else []
        return "\n".join([self.headline, *self.lines, *link])

    @property
    def json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self) | {"text": self.text}


def before(gameday: GameDay, day: Day, plan: Sequence[Planned], lacking: str | None) -> Message:
    """It is to come: when, who and what."""
    lines = [f"Environment: {gameday.environment}"]
    if gameday.owner:
        lines.append(f"Owner: {gameday.owner}")
    if gameday.participants:
        lines.append(
            f"With: {', '.join(_person(one.name, one.role) for one in gameday.participants)}"
        )
    for number, planned in enumerate(plan, 1):
        objectives = f" ({'; '.join(planned.objectives)})" if planned.objectives else ""
        lines.append(f"{number}. {planned.title}{objectives}")
    if lacking:
        lines.append(f"It will not begin yet: {lacking}")
    return Message(
        Occasion.BEFORE,
        day.id,
        day.title,
        day.status,
        f"Game day: {day.title}, {local_time(gameday, day.starts_at)}",
        tuple(lines),
        details={"starts_at": day.starts_at, "experiments": [asdict(one) for one in plan]},
    )


def ended(day: Day, runs: Sequence[DayRun], link: str | None, *, whole: bool) -> Message:
    """What became of it; `whole` where it ran to its end."""
    occasion = Occasion.AFTER if whole else Occasion.ABORT
    because = f": {day.reason}" if day.reason else ""
    lines = tuple(f"{run.position}. {run.title}: {run.status}. {run.said}".rstrip() for run in runs)
    return Message(
        occasion,
        day.id,
        day.title,
        day.status,
        f"Game day {day.status}: {day.title}{because}",
        lines,
        link,
        details={"experiments": [asdict(run) for run in runs]},
    )


def local_time(gameday: GameDay, at: float) -> str:
    """`Thu 2026-12-03 10:00 (Europe/Berlin)`."""
    local = datetime.fromtimestamp(at, gameday.timezone)
    return f"{local:%a %Y-%m-%d %H:%M} ({gameday.timezone})"


def _person(name: str, role: str) -> str:
    return f"{name} ({role})" if role else name

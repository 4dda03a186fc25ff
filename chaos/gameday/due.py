"""Which day is due now, for a scheduler of another's that only starts a command."""

from __future__ import annotations

from chaos.gameday.calendar import Occurrence, occurrences
from chaos.model.gameday import GameDay

_EARLY = 60.0
"""Seconds that another's clock may be ahead."""


def due_now(gameday: GameDay, now: float) -> Occurrence | None:
    """The last one whose declared time has come, and that may still begin; None: there is none.

    One that is spread may start a while from now.
    """
    if gameday.schedule is None:
        return None
    oldest, newest = now - gameday.schedule.late, now + gameday.schedule.spread + _EARLY
    near = occurrences(gameday, oldest, newest)
    return max((one for one in near if one.declared_for <= now + _EARLY), default=None)

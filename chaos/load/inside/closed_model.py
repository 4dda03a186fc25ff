"""The closed model: each user goes on when its last answer is there, as the file says."""

from __future__ import annotations

import math
from typing import Any

from locust.exception import StopUser

from chaos.load.inside.clock import EpochClock
from chaos.load.inside.recorder import Recorder, Turn
from chaos.measure.recording import Outcome


class ClosedModel:
    """Users pace themselves. A request is due when it is sent."""

    paced_by_file = True

    def __init__(self, clock: EpochClock, recorder: Recorder) -> None:
        self._clock = clock
        self._recorder = recorder
        self._end = math.inf

    def begin(self, at: float, index: int, of: int) -> None:
        """Nothing to do: Locust spawns the users."""

    def end(self, at: float) -> None:
        """From `at` on, users stop instead of going on."""
        self._end = at

    def is_idle(self) -> bool:
        """Whether no user is in a task."""
        return not self._recorder.turns

    def write_off(self) -> None:
        """A task that hangs in its first request has timed out."""
        for turn in self._recorder.turns.values():
            if not turn.used:
                self._recorder.record_task(turn, Outcome.TIMED_OUT)

    def on_user_start(self, user: Any) -> None:
        """Nothing to do."""

    def take(self, user: Any, task: Any) -> Turn:  # noqa: ARG002 - only the open model asks who
        """At once; after the end the user stops."""
        now = self._clock.now()
        if now >= self._end:
            raise StopUser
        return Turn(task, now)

    def done(self, user: Any, turn: Turn, error: BaseException | None) -> None:
        """Nothing is owed: a task without a request is no part of the load."""

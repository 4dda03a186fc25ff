"""Records what Locust reports, in the process where it happens."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from gevent import getcurrent

from chaos.load.inside.clock import EpochClock
from chaos.load.inside.outcome import outcome_of
from chaos.measure.recording import Outcome, Recording


@dataclass(slots=True)
class Turn:
    """One execution of a task by a user."""

    task: Any
    """The function."""
    started_at: float
    """Seconds since the epoch."""
    due_at: float | None = None
    """Open model: when its arrival was due, in seconds since the epoch. None: closed model."""
    used: bool = False
    """Whether a request of it was recorded."""


@dataclass(slots=True)
class _Good:
    """Durations of good answers, in seconds, not yet in a histogram: that is cheaper in bulk."""

    response: list[float] = field(default_factory=list)
    service: list[float] = field(default_factory=list)


class Recorder:
    """Turns Locust's request events into slices. Runs for every request, so it is kept lean."""

    def __init__(self, clock: EpochClock, *, is_open: bool) -> None:
        self._clock = clock
        self._is_open = is_open
        self._begin = math.inf
        self._end = math.inf
        self._recording = Recording()
        self._good: dict[tuple[int, str], _Good] = defaultdict(_Good)
        self.turns: dict[Any, Turn] = {}
        """The turns that are under way, by the greenlet that runs them."""

    def begin(self, at: float) -> None:
        """Record what is due from `at` on."""
        self._begin = at

    def end(self, at: float) -> None:
        """Record nothing that is due at or after `at`."""
        self._end = at

    def stop(self) -> None:
        """Record nothing any more, whatever still comes."""
        self._begin = math.inf

    def flush(self) -> Recording:
        """What was recorded since the last call."""
        recording, self._recording = self._recording, Recording()
        good, self._good = self._good, defaultdict(_Good)
        for key, durations in good.items():
            into = recording.at(*key)
            into.ok += len(durations.response)
            into.response.record_all(durations.response)
            into.service.record_all(durations.service)
        return recording

    def on_request(  # noqa: PLR0913 - the names are those of the event
        self,
        *,
        request_type: str,
        name: str,
        response_time: float | None,
        exception: object = None,
        response: object = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        """Locust's request event.

        `response_time` is in milliseconds; `start_time` is the wall clock's. The event comes when
        the file has looked at the answer, which may be long after the answer came.
        """
        took = (response_time or 0.0) / 1000
        age = took if start_time is None else max(took, time.time() - start_time)
        sent_at = self._clock.now() - age
        turn = self.turns.get(getcurrent()) or self._turn_of_parent()
        if turn is None and self._is_open:
            return  # The file's own preparations, such as on_start.
        outcome = Outcome.OK if exception is None else outcome_of(exception, response)
        self._record(turn, f"{request_type} {name}", outcome, sent_at, sent_at + took)

    def record_task(self, turn: Turn, outcome: Outcome) -> None:
        """Record the turn itself, for it made no request that could be recorded."""
        now = self._clock.now()
        name = getattr(turn.task, "__name__", turn.task)
        self._record(turn, f"(task) {name}", outcome, turn.started_at, now)

    def record_unsent(self, due_at: float) -> None:
        """Record an arrival that no user was free to take."""
        self._recording.record_unsent(due_at, self._clock.now())
        self._recording.arrivals[math.floor(due_at)] += 1

    def _record(
        self, turn: Turn | None, endpoint: str, outcome: Outcome, sent_at: float, done_at: float
    ) -> None:
        due_at = sent_at
        if turn is not None:
            if turn.due_at is not None and not turn.used:
                due_at = turn.due_at
                sent_at = max(sent_at, due_at)
                self._recording.arrivals[math.floor(due_at)] += 1
            turn.used = True
        if not self._begin <= due_at < self._end:
            return
        if outcome is Outcome.OK:
            good = self._good[math.floor(due_at), endpoint]
            good.response.append(done_at - due_at)
            good.service.append(done_at - sent_at)
        else:
            self._recording.record(endpoint, outcome, due_at, sent_at, done_at)

    def _turn_of_parent(self) -> Turn | None:
        """The turn of the greenlet that started this one: tasks may send requests side by side."""
        parent = getattr(getcurrent(), "spawning_greenlet", None)
        return self.turns.get(parent()) if parent else None

"""The open model: arrivals come on a plan, whatever the answers do, and users serve them."""
# ruff: noqa: SLF001 - a user's state is how Locust knows that it may be stopped at once.

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent import GreenletExit
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from chaos.load.arrivals import Plan
from chaos.load.inside import turns
from chaos.load.inside.clock import EpochClock
from chaos.load.inside.pool import Pool
from chaos.load.inside.recorder import Recorder, Turn
from chaos.load.settings import LoadSettings
from chaos.measure.recording import Outcome

_LONGEST_SLEEP = 0.1
"""Seconds; so often arrivals that have waited too long are given up."""

_LEFT_THE_TASK_SET = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately)


class OpenModel:
    """A user executes a task for an arrival, and only then. Every arrival gets one outcome."""

    def __init__(
        self,
        clock: EpochClock,
        recorder: Recorder,
        pool: Pool,
        settings: LoadSettings,
        replace: Callable[[Any], None],
    ) -> None:
        """`replace` gets a user that stopped by itself: its file means users to do one journey."""
        self._clock = clock
        self._recorder = recorder
        self._pool = pool
        self._settings = settings
        self._replace = replace
        self._end = math.inf
        self._kept: dict[Any, float] = {}
        """Arrivals (when they were due) whose task only led to another one, by their user."""
        self._releasing: gevent.Greenlet | None = None

    def install(self, on_user_start: Callable[[Any], None]) -> None:
        """Let users execute tasks for arrivals only."""

        def join(user: Any) -> None:
            self._pool.join(user)
            on_user_start(user)

        turns.install(self, self._recorder.turns, join)

    def begin(self, at: float, index: int, of: int) -> None:
        """Release every `of`-th arrival from then on."""
        if arrivals := self._settings.arrivals:
            self._releasing = gevent.spawn(self._release, Plan(arrivals, at).share(index, of))

    def end(self, at: float) -> None:
        """Release no arrival that is due at or after `at`."""
        self._end = at

    def is_idle(self) -> bool:
        """Whether every arrival has its outcome."""
        self._expire()
        is_releasing = self._releasing is not None and not self._releasing.ready()
        return not (is_releasing or self._recorder.turns or self._kept or self._pool.waiting)

    def write_off(self) -> None:
        """What still hangs has timed out; what still waits is not sent."""
        for turn in self._recorder.turns.values():
            if not turn.used:
                self._recorder.record_task(turn, Outcome.TIMED_OUT)
        for due_at in self._kept.values():
            self._recorder.record_unsent(due_at)
        self._pool.expire(math.inf)

    def take(self, user: Any, task: Any) -> Turn:
        """Wait for an arrival."""
        due_at = self._kept.pop(user, None)
        if due_at is None:
            due_at = self._wait(user)
        else:
            gevent.sleep(0)  # A file whose tasks never send anything must not stop the world.
        return Turn(task, self._clock.now(), due_at)

    def done(self, user: Any, turn: Turn, error: BaseException | None) -> None:
        """Where the task sent no request, its end is the outcome of the arrival."""
        if isinstance(error, StopUser) and self._clock.now() < self._end:
            self._replace(user)
        if turn.used:
            return
        if isinstance(error, _LEFT_THE_TASK_SET):
            self._kept[user] = turn.due_at
        elif isinstance(error, (StopUser, StopTest)):
            self._pool.release(turn.due_at)
        elif isinstance(error, GreenletExit):
            self._recorder.record_task(turn, Outcome.TIMED_OUT)
        else:
            self._recorder.record_task(turn, Outcome.FAILED if error else Outcome.OK)

    def _wait(self, user: Any) -> float:
        user._state = LOCUST_STATE_WAITING
        due_at = self._pool.take(type(user))
        if user._state != LOCUST_STATE_STOPPING:
            user._state = LOCUST_STATE_RUNNING
        return due_at

    def _release(self, due_times: Iterator[float]) -> None:
        for due_at in due_times:
            while (left := due_at - self._clock.now()) > 0 and due_at < self._end:
                gevent.sleep(min(left, _LONGEST_SLEEP))
                self._expire()
            if due_at >= self._end:
                return
            self._pool.release(due_at)

    def _expire(self) -> None:
        self._pool.expire(self._clock.now() - self._settings.timeout)

"""The closed model: each user goes on when its last answer is there, as the file says."""
# ruff: noqa: SLF001 - a user's state is Locust's own word for whether it is to stop.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
from locust import TaskSet
from locust.user.task import LOCUST_STATE_STOPPING, DefaultTaskSet


class ClosedModel:
    """Users pace themselves, and a request is due when it is sent: Locust as it is."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._leaving: list[Any] | None = None
        """The greenlets of the users that lived at the end."""

    def install(self, on_user_start: Callable[[Any], None]) -> None:
        """Notice users that start; let them be otherwise."""
        task_sets: Any = TaskSet
        run = task_sets.run

        def run_noticed(task_set: Any) -> None:
            if isinstance(task_set, DefaultTaskSet):
                on_user_start(task_set.user)
            run(task_set)

        task_sets.run = run_noticed

    def begin(self, at: float, index: int, of: int) -> None:
        """Nothing to do: Locust spawns the users."""

    def end(self, at: float) -> None:
        """Nothing to do yet: what is sent later is not recorded."""

    def is_idle(self) -> bool:
        """Let users end the task they are in; whether all that lived at the end have done so."""
        for user in list(self._users()):
            if user._state != LOCUST_STATE_STOPPING:
                gevent.spawn(user.stop)
        if self._leaving is None:
            self._leaving = list(self._runner.user_greenlets)
        return all(greenlet.dead for greenlet in self._leaving)

    def write_off(self) -> None:
        """Nothing is owed: the time limit has ended every request that was sent before the end."""

    def _users(self) -> Iterator[Any]:
        for greenlet in self._runner.user_greenlets:
            yield from greenlet.args[:1]  # Locust keeps the user here, until it has ended.

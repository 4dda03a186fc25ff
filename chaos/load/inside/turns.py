"""Takes the execution of tasks in hand: each is a turn, and somebody says when it may be."""
# ruff: noqa: SLF001 - Locust offers no other place where a task can be held back.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import gevent
from gevent import getcurrent
from locust import TaskSet

from chaos.load.inside.recorder import Turn


class Umpire(Protocol):
    """Says whose turn it is."""

    def take(self, user: Any, task: Any) -> Turn:
        """Wait until the user may execute its next task."""

    def done(self, user: Any, turn: Turn, error: BaseException | None) -> None:
        """The task has ended, with that error or well."""


def install(umpire: Umpire, running: dict[Any, Turn], on_user_start: Callable[[Any], None]) -> None:
    """Let every task of every user be a turn, with no waiting in between.

    `running` has the turns under way by their greenlet; `on_user_start` gets each user that has
    come as far as its first task.
    """
    task_sets: Any = TaskSet
    execute, wait = task_sets.execute_next_task, task_sets.wait
    started: set[Any] = set()

    def execute_next_task(task_set: Any) -> None:
        task = task_set._task_queue[0]
        if isinstance(task, type) and issubclass(task, TaskSet):
            execute(task_set)  # Its tasks will have turns of their own.
            return
        user, me = task_set.user, getcurrent()
        if me not in started:
            started.add(me)
            me.link(started.discard)
            on_user_start(user)
        turn = umpire.take(user, task)
        outer, running[me] = running.get(me), turn
        error: BaseException | None = None
        try:
            execute(task_set)
        except BaseException as raised:
            error = raised
            raise
        finally:
            _restore(running, me, outer)
            umpire.done(user, turn, error)

    def wait_between_tasks(task_set: Any) -> None:
        if getcurrent() in running:
            wait(task_set)  # The task waits on purpose.
        else:
            gevent.sleep(0)

    task_sets.execute_next_task = execute_next_task
    task_sets.wait = wait_between_tasks


def _restore(running: dict[Any, Turn], me: Any, outer: Turn | None) -> None:
    """A task that runs a task set by itself has turns within its turn."""
    if outer is None:
        del running[me]
    else:
        running[me] = outer

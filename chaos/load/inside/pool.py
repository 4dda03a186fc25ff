"""Where arrivals and users meet."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gevent.event import AsyncResult


@dataclass(slots=True)
class _Line:
    """The users of one class that are free, or else the arrivals that wait for one."""

    free: list[AsyncResult] = field(default_factory=list)
    waiting: deque[float] = field(default_factory=deque)


class Pool:
    """Users that wait for arrivals, arrivals that wait for users.

    An arrival is meant for a class of users, drawn with the share that the class has in the pool.
    It waits for that class even while others are free: else a class whose requests hang would hand
    its arrivals to one that is well, and hide the outage.
    """

    def __init__(self, on_unsent: Callable[[float], None], on_full: Callable[[int], None]) -> None:
        """Who hears of arrivals that found no user.

        `on_unsent` gets the due time of one that has waited too long; `on_full` the number of
        users, whenever one has to wait.
        """
        self._on_unsent = on_unsent
        self._on_full = on_full
        self._members: list[Any] = []
        self._lines: dict[Any, _Line] = defaultdict(_Line)
        self._random = random.Random()

    @property
    def waiting(self) -> int:
        """How many arrivals wait for a user."""
        return sum(len(line.waiting) for line in self._lines.values())

    def join(self, user: Any) -> None:
        """Let arrivals go to this user, and no more once its greenlet has ended."""
        self._members.append(user)
        user.greenlet.link(lambda _: self._members.remove(user))

    def take(self, kind: Any) -> float:
        """Wait, as a user of that class, for an arrival; its due time."""
        line = self._lines[kind]
        if line.waiting:
            return line.waiting.popleft()
        # The last to become free is the first to go on, so that connections are used again.
        slot = AsyncResult()
        line.free.append(slot)
        try:
            return float(slot.get())
        except BaseException:  # The user is killed.
            if slot.ready():
                self._give(kind, slot.value)
            else:
                line.free.remove(slot)
            raise

    def release(self, due_at: float) -> None:
        """An arrival is due (or comes back from a user that could not serve it)."""
        kind = type(self._random.choice(self._members)) if self._members else None
        self._give(kind, due_at)

    def expire(self, due_before: float) -> None:
        """Give up on arrivals that wait and were due before that moment."""
        for line in self._lines.values():
            while line.waiting and line.waiting[0] < due_before:
                self._on_unsent(line.waiting.popleft())

    def _give(self, kind: Any, due_at: float) -> None:
        line = self._lines[kind]
        if line.free:
            line.free.pop().set(due_at)
        else:
            line.waiting.append(due_at)
            self._on_full(len(self._members))

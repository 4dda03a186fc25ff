"""Records what Locust reports, in the process where it happens."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import floor, inf
from time import monotonic, time
from typing import Any

from gevent import getcurrent

from chaos.load.inside.clock import EpochClock
from chaos.load.inside.outcome import outcome_of
from chaos.load.inside.witnesses import ServerWatch, UserWatch
from chaos.load.settings import LoadSettings
from chaos.measure.histogram import Histogram
from chaos.measure.recording import Outcome, Recording

_OK = Outcome.OK

_Request = tuple[float | None, str, str, Outcome, float, float | None, float, float, Any, Any]
"""A request as reported: when it was due (None: when it was sent), method, name, outcome,
milliseconds it took, wall clock when it was sent; monotonic and wall clock when reported; headers
of the answer; closed model: the user's greenlet."""

_Good = dict[tuple[int, str, str], tuple[list[float], list[float]]]
"""Response and service times of good answers, by second, method and name."""


@dataclass(slots=True)
class Turn:
    """One execution of a task by a user, for an arrival of the open model."""

    task: Any
    """The function."""
    started_at: float
    """Seconds since the epoch."""
    due_at: float
    """When its arrival was due, in seconds since the epoch."""
    used: bool = False
    """Whether a request of it was recorded."""


class Recorder:
    """Turns Locust's request events into slices."""

    def __init__(self, clock: EpochClock, settings: LoadSettings) -> None:
        self._clock = clock
        self._is_open = settings.rate is not None
        self._servers = ServerWatch(settings.served_by)
        self._users = UserWatch(settings.timeout)
        self._begin = inf
        self._end = inf
        self._requests: list[_Request] = []
        self._recording = Recording()
        self._good: _Good = defaultdict(lambda: ([], []))
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
        self._begin = inf

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
        """Locust's request event: `response_time` in milliseconds, `start_time` by the wall clock.

        This runs for every request, among much other code, so it only takes notes: what follows
        from them is worked out for many requests in a row, at half the cost.
        """
        due_at, user = None, getcurrent()
        if self._is_open:
            turn = self.turns.get(user) or self._turn_of_parent()
            if turn is None:
                return  # The file's own preparations, such as on_start.
            if not turn.used:
                due_at, turn.used = turn.due_at, True
            user = None
        headers = None if response is None else getattr(response, "headers", None)
        outcome = _OK if exception is None else outcome_of(exception, response)
        took = response_time or 0.0
        now, wall = monotonic(), time()
        self._requests.append(
            (due_at, request_type, name, outcome, took, start_time, now, wall, headers, user)
        )

    def record_task(self, turn: Turn, outcome: Outcome) -> None:
        """Record the turn itself, for it made no request that could be recorded."""
        turn.used = True
        name = getattr(turn.task, "__name__", str(turn.task))
        now = monotonic()
        took = (self._clock.at(now) - turn.started_at) * 1000
        self._requests.append(
            (turn.due_at, "(task)", name, outcome, took, None, now, time(), None, None)
        )

    def record_unsent(self, due_at: float) -> None:
        """Record an arrival that no user was free to take."""
        self._recording.record_unsent(due_at, self._clock.now())
        self._recording.arrivals[floor(due_at)] += 1

    def digest(self) -> None:
        """Work out what follows from the notes so far: often, so that it never takes long."""
        requests, self._requests = self._requests, []
        to_epoch, begin, end, is_open = self._clock.at, self._begin, self._end, self._is_open
        recording, good = self._recording, self._good
        saw_server, saw_user = self._servers.saw, self._users.saw
        for due_at, method, name, outcome, ms, start_time, steady, wall, headers, user in requests:
            took = ms / 1000
            # The report comes when the file has looked at the answer, which may be long after it
            # came. The wall clock tells how long ago it was sent, unless it was set back.
            ago = took if start_time is None else wall - start_time
            due = sent_at = to_epoch(steady) - (ago if ago > took else took)  # noqa: FURB136 - fast
            if due_at is not None:
                due = due_at
                sent_at = max(sent_at, due)
                recording.arrivals[floor(due)] += 1
            if not begin <= due < end:
                continue
            second, is_good = floor(due), outcome is _OK
            if headers is not None:
                saw_server(headers, second, good=is_good)
            if user is not None:
                saw_user(user, sent_at, good=is_good)
            if is_good:
                responses, services = good[second, method, name]
                responses.append(sent_at - due + took)
                if is_open:
                    services.append(took)
            else:
                recording.record(f"{method} {name}", outcome, due, sent_at, sent_at + took)

    def flush(self, *, is_last: bool = False) -> Recording:
        """What was recorded since the last call; the last one comes when all users have ended."""
        self.digest()
        recording, self._recording = self._recording, Recording()
        _record_good(self._good, recording)
        self._good.clear()
        if is_last:
            self._users.end(self._end)
        self._servers.tell(recording)
        self._users.tell(recording)
        if self._end == inf:  # After the end all users end, but none of them has left.
            self._users.forget_the_dead()
        return recording

    def _turn_of_parent(self) -> Turn | None:
        """The turn of the greenlet that started this one: tasks may send requests side by side."""
        parent = getattr(getcurrent(), "spawning_greenlet", None)
        return self.turns.get(parent()) if parent else None


def _record_good(good: _Good, recording: Recording) -> None:
    """A histogram takes many durations at once more cheaply than one by one."""
    for (second, method, name), (responses, services) in good.items():
        into = recording.at(second, f"{method} {name}")
        into.ok += len(responses)
        times = Histogram()
        times.record_all(responses)
        into.response.merge(times)
        if services:
            into.service.record_all(services)
        else:  # The closed model: due when sent, so the two are the same.
            into.service.merge(times)

"""Enforces the time-out of requests, whatever they wait for.

A socket's own time-out starts anew with each byte, so an answer that drips in slowly never reaches
it. This one bounds the whole request. It raises what a socket raises, in the place where the client
waits for its socket, so the client cleans up as it always does.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from gevent import get_hub, getcurrent
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, FastHttpUser

_LONGEST_DELAY = 0.05
"""Seconds that a request may be ended too late, at most."""

_PRECISION = 0.02
"""The same, as a share of the time-out."""


def enforce(timeout: float) -> None:
    """Bound every request of HttpUser and FastHttpUser to `timeout` seconds.

    A shorter time-out of the file's own stays. Other kinds of users bring clients that nobody here
    knows: their requests end when they end.
    """
    # The limit below makes the sockets' own one idle, which costs a timer for every read.
    fast_user: Any = FastHttpUser
    fast_user.network_timeout = None
    fast_user.connection_timeout = timeout
    _TimeLimit(timeout).install(
        (FastHttpSession, "request"), (HttpSession, "_send_request_safe_mode")
    )


def _limit_stream(answer: Any, timeout: float) -> None:
    """What the file reads after the request has returned is bounded by the socket, read by read."""
    sock = getattr(getattr(answer, "_response", None), "_sock", None)
    if sock is not None:
        sock.settimeout(timeout)


class _TimeLimit:
    """Ends calls that take too long.

    One timer for all calls, for a timer of its own would be the dearest part of a call. The limit
    is the same for all, so the first to have begun is the first to be over.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._since: dict[Any, float] = {}
        """When each greenlet's call began (monotonic), in that order."""

    def install(self, *methods: tuple[Any, str]) -> None:
        """Bound these methods of these classes."""
        for owner, name in methods:
            setattr(owner, name, self._bounded(getattr(owner, name)))
        interval = min(_LONGEST_DELAY, _PRECISION * self._timeout)
        self._timer = get_hub().loop.timer(interval, interval, ref=False)
        self._timer.start(self._end_overdue)

    def _bounded(self, method: Any) -> Any:
        since = self._since

        def bounded(*args: Any, **kwargs: Any) -> Any:
            me = getcurrent()
            since[me] = monotonic()
            try:
                answer = method(*args, **kwargs)
            finally:
                since.pop(me, None)
            if "stream" in kwargs:
                _limit_stream(answer, self._timeout)
            return answer

        return bounded

    def _end_overdue(self) -> None:
        """Runs in the hub, so every greenlet that is in a call waits for something right now."""
        earliest = monotonic() - self._timeout
        while self._since:
            greenlet, began = next(iter(self._since.items()))
            if began > earliest:
                break
            del self._since[greenlet]
            greenlet.throw(TimeoutError, "timed out")

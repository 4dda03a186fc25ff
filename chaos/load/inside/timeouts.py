"""Enforces the time-out of requests, whatever they wait for.

A socket's own time-out starts anew with each byte, so an answer that drips in slowly never reaches
it. This one bounds the whole request. It raises what a socket raises, in the place where the client
waits for its socket, so the client cleans up as it always does.
"""

from __future__ import annotations

from typing import Any

from gevent import get_hub, getcurrent
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, FastHttpUser


def enforce(timeout: float) -> None:
    """Bound every request of HttpUser and FastHttpUser to `timeout` seconds.

    A shorter time-out of the file's own stays. Other kinds of users bring clients that nobody here
    knows: their requests end when they end.
    """
    FastHttpUser.network_timeout = timeout
    FastHttpUser.connection_timeout = timeout
    _bound(FastHttpSession, "request", timeout)
    _bound(HttpSession, "_send_request_safe_mode", timeout)


def _bound(session: Any, method: str, timeout: float) -> None:
    unbounded = getattr(session, method)
    loop = get_hub().loop

    def bounded(*args: Any, **kwargs: Any) -> Any:
        # What gevent.Timeout does, at a quarter of its cost: this runs for every request.
        timer = loop.timer(timeout)
        timer.start(getcurrent().throw, TimeoutError, "timed out")
        try:
            return unbounded(*args, **kwargs)
        finally:
            timer.close()

    setattr(session, method, bounded)

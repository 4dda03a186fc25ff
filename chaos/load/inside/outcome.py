"""Whether a request that did not succeed failed or timed out."""

from __future__ import annotations

import gevent
import requests.exceptions
import urllib3.exceptions

from chaos.measure.recording import Outcome

_TIMEOUTS = (
    TimeoutError,  # The socket's, which FastHttpUser shows as it is.
    gevent.Timeout,
    requests.exceptions.Timeout,
    urllib3.exceptions.TimeoutError,
)
_NOT_TIMEOUTS = (urllib3.exceptions.NewConnectionError,)
"""A refused connection, which urllib3 derives from its time-out all the same."""


def outcome_of(error: object, response: object) -> Outcome:
    """The outcome of a request that Locust reports with an error.

    A file that checks answers itself reports a time-out as its own complaint about an empty answer;
    the answer still knows the true error.
    """
    seen = (error, getattr(response, "error", None))
    return Outcome.TIMED_OUT if any(map(_is_timeout, seen)) else Outcome.FAILED


def _is_timeout(error: object) -> bool:
    # requests shows a time-out within the body as a broken connection, raised in its place.
    if isinstance(error, requests.exceptions.ConnectionError) and error.__context__:
        return isinstance(error, _TIMEOUTS) or _is_timeout(error.__context__)
    # geventhttpclient wraps the last error of its retries and keeps it as `original`.
    cause = getattr(error, "original", None) or error
    return isinstance(cause, _TIMEOUTS) and not isinstance(cause, _NOT_TIMEOUTS)

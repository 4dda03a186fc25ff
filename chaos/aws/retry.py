"""One policy for calls that AWS throttles or that do not get through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tenacity

LONGEST_WAIT = 30.0
"""Seconds after which a throttled call is given up."""

_THROTTLED = frozenset(
    {
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "Unavailable",
    }
)
"""Error codes that mean: later. From the AWS SDKs' own standard retry mode."""


def is_passing(error: BaseException) -> bool:
    """Whether the same call may well succeed a moment later."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return str(error.response.get("Error", {}).get("Code")) in _THROTTLED
    return isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError)


def patiently(call: Callable[..., Any], longest_wait: float = LONGEST_WAIT) -> Callable[..., Any]:
    """`call`, retried with growing, jittered pauses while its failure is a passing one.

    The error of the last try is raised as it is.
    """
    policy = tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_passing),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        stop=tenacity.stop_after_delay(longest_wait),
        reraise=True,
    )
    return lambda *args, **kwargs: policy(call, *args, **kwargs)

"""A probe that asks over HTTP."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from chaos.model.experiment import HttpProbe
from chaos.model.variables import with_host


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw."""

    holds: bool
    text: str
    """One line: what was asked, what came back."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer with its own status, to be judged as such."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def observe(probe: HttpProbe, host: str) -> Observation:
    """Ask once; never raises for what the system does."""
    url = with_host(probe.http, host)
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    started = time.monotonic()
    try:
        with opener.open(url, timeout=probe.expect.within) as answer:
            answer.read()
            status = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        status = error.code
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return Observation(False, f"GET {url}: no answer ({reason})")
    return _judge(probe, url, status, time.monotonic() - started)


def _judge(probe: HttpProbe, url: str, status: int, took: float) -> Observation:
    expected = probe.expect
    holds = status == expected.status and took <= expected.within
    wanted = "" if holds else f", expected {expected.status} within {expected.within:g} s"
    return Observation(holds, f"GET {url}: {status} in {took * 1000:.0f} ms{wanted}")

"""Asking over HTTP, on a connection of its own each time."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from chaos.model.probe import HttpProbe
from chaos.model.variables import with_host
from chaos.probes.observation import Observation, Surroundings


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer with its own status, to be judged as such."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def observe(probe: HttpProbe, around: Surroundings) -> Observation:
    """GET once."""
    url = with_host(probe.http, around.host)
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    started = time.monotonic()
    try:
        request = urllib.request.Request(url, headers=probe.headers)  # noqa: S310 - the user's own
        with opener.open(request, timeout=probe.patience) as answer:
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
    good = status == probe.expect.status and took <= probe.patience
    wanted = "" if good else f", expected {probe.expect.status} within {probe.patience:g} s"
    return Observation(good, f"GET {url}: {status} in {took * 1000:.0f} ms{wanted}")

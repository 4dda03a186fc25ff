"""Posting JSON to a webhook."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from chaos.gameday.reasons import Hopeless, Told
from chaos.model.secrets import learn, reveal

TIMEOUT = 10.0
"""Seconds for a connection, and for each read."""

_TOO_MANY = 429
_SERVER_ERROR = 500


def post_json(url: str, body: Any) -> bytes:
    """Post it; the answer's body.

    Raises:
        Hopeless: the URL is none, or the answer says it is our fault.
        Refused: what the URL refers to is not set.
        Told: the answer says it may be better in a moment.
        OSError: there is no answer.
    """
    target: str = reveal(url)
    learn(target)
    if not target.startswith(("http://", "https://")):
        raise Hopeless("the URL begins neither with http:// nor with https://")
    headers = {"Content-Type": "application/json", "User-Agent": "chaos"}
    request = urllib.request.Request(target, json.dumps(body).encode(), headers)  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - checked
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        may_pass = error.code == _TOO_MANY or error.code >= _SERVER_ERROR
        raise (Told if may_pass else Hopeless)(f"HTTP {error.code}") from None

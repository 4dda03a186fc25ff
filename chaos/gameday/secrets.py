"""`${env:NAME}` filled in at the moment it is used, and kept out of what is said."""

from __future__ import annotations

import os
import re
from urllib.error import URLError

from chaos.model.notification import ENV_REFERENCE


class Told(Exception):
    """Something went wrong, and the message says it without any address or password."""


class Hopeless(Told):
    """Trying again would not help."""


def reveal(text: str) -> str:
    """The text with its references replaced.

    Raises:
        Hopeless: one of the environment variables is not set.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise Hopeless(f"the environment variable {name} is not set")
        return os.environ[name]

    return ENV_REFERENCE.sub(value, text)


def reason(error: BaseException) -> str:
    """What went wrong in a few words; nothing of an error that might carry an address."""
    if isinstance(error, Told):
        return str(error)
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return reason(error.reason)
    code = getattr(error, "response", {}).get("Error", {}).get("Code")  # of boto3
    words = code or getattr(error, "strerror", None)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__

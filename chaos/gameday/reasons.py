"""Why telling or asking someone did not work, in words that carry no address and no secret."""

from __future__ import annotations

from urllib.error import URLError

from chaos.model.problems import ChaosError
from chaos.model.secrets import conceal


class Told(Exception):
    """Something went wrong, and the message says it without any address or password."""


class Hopeless(Told):
    """Trying again would not help."""


def reason(error: BaseException) -> str:
    """What went wrong in a few words; nothing of an error that might carry an address."""
    if isinstance(error, Told | ChaosError):
        return conceal(str(error))
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return reason(error.reason)
    code = getattr(error, "response", {}).get("Error", {}).get("Code")  # of boto3
    words = code or getattr(error, "strerror", None)
    return conceal(f"{type(error).__name__}: {words}") if words else type(error).__name__

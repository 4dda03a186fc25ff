"""Secrets stay in the environment: `${env:NAME}` is filled in at the moment it is used.

What was filled in once is kept out of everything that is said and written from then on, and so are
AWS credentials in the environment and passwords that stand in URLs all the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, PlainSerializer

from chaos.model.problems import Refused

ENV_PREFIX = "env:"
"""What a reference's name begins with: `${env:NAME}`."""

MASK = "***"

REFERENCE = re.compile(r"\$\{env:(\w+)\}")
"""What stands for a secret."""

_CREDENTIALS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_WRITTEN = (
    re.compile(r"(?<=://)([^/\s:@]*:)(?!\$\{env:\w+\}@)([^/\s]+)(?=@)"),
    re.compile(r"(\b(?:password|token|api_?key|secret)=)(?!\$\{env:)([^&\s]+)", re.IGNORECASE),
)
"""Where passwords stand in URLs: the user's, and parameters that are named for what they are."""

_TOKEN = re.compile(r"(?<=[^/][/=])[\w-]{16,}")
"""What is secret in the address of a webhook: long words after its host."""

_known: set[str] = set()
"""Secrets that this process has come across."""


def reveal(value: Any) -> Any:
    """The same with every reference replaced, in texts wherever they stand.

    Raises:
        Refused: one of the environment variables is not set.
    """
    if isinstance(value, str):
        return REFERENCE.sub(_value_of, value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: reveal(given) for name, given in value})
    if isinstance(value, dict):
        return {key: reveal(given) for key, given in value.items()}
    if isinstance(value, tuple):
        return tuple(map(reveal, value))
    return value


def _value_of(found: re.Match[str]) -> str:
    value = os.environ.get(found[1])
    if value is None:
        raise Refused(f"the environment variable {found[1]} is not set")
    _known.add(value)
    if value.startswith(("http://", "https://")):
        _known.update(_TOKEN.findall(value))
    return value


def learn(url: str) -> None:
    """Keep the password that is written in a URL out of whatever is said of it from now on."""
    _known.update(found[2] for pattern in _WRITTEN for found in pattern.finditer(url))


def conceal(text: str) -> str:
    """The text without any secret that is known."""
    known = _known | {os.environ.get(name, "") for name in _CREDENTIALS}
    for secret in sorted(filter(None, known), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _without_passwords(text)


def _without_passwords(url: str) -> str:
    for pattern in _WRITTEN:
        url = pattern.sub(rf"\g<1>{MASK}", url)
    return url


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a declared value, as they were written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        for _, given in value:
            yield from texts_in(given)
    elif isinstance(value, dict):
        for given in value.values():
            yield from texts_in(given)
    elif isinstance(value, tuple):
        for given in value:
            yield from texts_in(given)


def has_written_password(value: Any) -> bool:
    """Whether a URL in it has a password, which whatever is stored of it has not."""
    return any(_without_passwords(text) != text for text in texts_in(value))


Concealed = Annotated[str, AfterValidator(conceal)]
"""Free text of a record: no secret gets into it."""

UrlText = Annotated[str, PlainSerializer(_without_passwords)]
"""A URL that is stored and shown without its password."""

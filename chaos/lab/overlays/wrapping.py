"""Replaces a method by one that is given the original."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Replacement = Callable[..., Any]


def around(owner: type, name: str) -> Callable[[Replacement], Replacement]:
    """Put the decorated function in place of the method; its first argument is the original.

    Raises:
        AttributeError: the class has no such method.
    """
    original = getattr(owner, name)

    def install(replacement: Replacement) -> Replacement:
        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return replacement(original, self, *args, **kwargs)

        setattr(owner, name, method)
        return replacement

    return install

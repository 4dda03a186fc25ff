"""`${name}` in a file, filled in from the file, the environment and the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chaos.model.document import Document, KeyPath
from chaos.model.problems import Problem, nearest
from chaos.model.secrets import ENV_PREFIX

LATE = frozenset({"host"})
"""Known only when the environment is open; left in place until then."""

_MAY_ASK_ENVIRONMENT = frozenset(
    {"probes", "steady_state", "preconditions", "experiments", "notifications"}
)
"""Sections in which `${env:NAME}` may stand: it is left in place until it is used."""

_REFERENCE = re.compile(r"\$(\$|\{([^}]*)\})")


def fill_in(document: Document, given: Mapping[str, Any]) -> tuple[Any, list[Problem]]:
    """The document's values with every `${name}` replaced; `$$` stands for a dollar sign.

    `given` wins over the file's own `variables`. Undefined names are reported, not replaced.
    """
    own = document.values.get("variables") if isinstance(document.values, dict) else None
    known = {**(own if isinstance(own, dict) else {}), **given}
    filler = _Filler(document, known)
    return filler.fill(document.values, ()), filler.problems


class _Filler:
    def __init__(self, document: Document, known: Mapping[str, Any]) -> None:
        self.document = document
        self.known = known
        self.problems: list[Problem] = []

    def fill(self, value: Any, path: KeyPath) -> Any:
        if path == ("variables",):
            return value
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, index)) for index, item in enumerate(value)]
        return self._fill_text(value, path) if isinstance(value, str) else value

    def _fill_text(self, text: str, path: KeyPath) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole and whole[2] in self.known:
            return self.known[whole[2]]  # keeps a number a number
        return _REFERENCE.sub(lambda found: self._replacement(found, path), text)

    def _replacement(self, found: re.Match[str], path: KeyPath) -> str:
        if found[1] == "$":
            return "$"
        name = found[2]
        if name in self.known:
            return str(self.known[name])
        if name.startswith(ENV_PREFIX) and not _MAY_ASK_ENVIRONMENT.intersection(path[:1]):
            told = "only probes and notifications are told"
            message = f"${{{name}}} is a secret, which {told}; use a variable"
            self.problems.append(self.document.problem(message, path))
        elif name not in LATE and not name.startswith(ENV_PREFIX):
            hint = nearest(name, [*self.known, *LATE])
            message = f"${{{name}}} is not defined{hint}; define it under variables or with --var"
            self.problems.append(self.document.problem(message, path))
        return found[0]


def with_host(text: str, host: str) -> str:
    """`text` with `${host}` replaced."""
    return text.replace("${host}", host.rstrip("/"))


def names_in(text: str) -> set[str]:
    """All names that stand as `${name}` in a text."""
    return {found[2] for found in _REFERENCE.finditer(text) if found[2]}

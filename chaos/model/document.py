"""YAML read into plain values, remembering the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from chaos.model.problems import InvalidInput, Place, Problem

KeyPath = tuple[str | int, ...]
"""How to reach a value: `("actions", "lose-the-az", "at")`."""

_MOST_NODES = 100_000
"""An alias may stand for a tree of aliases; more nodes than this is an attack or a mistake."""


@dataclass(slots=True)
class Document:
    """The values of a YAML file and the places they stand at."""

    file: FilePath
    values: Any
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    """Where the key of each mapping entry stands."""
    places: dict[KeyPath, Place] = field(default_factory=dict)
    """Where each value stands."""

    def place(self, path: KeyPath, *, of_key: bool = False) -> Place:
        """The place of the value (or key) at `path`, or of its nearest parent that has one."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place())

    def problem(self, message: str, path: KeyPath, *, of_key: bool = False) -> Problem:
        """A problem with the value (or key) at `path`."""
        return Problem(message, self.file, self.place(path, of_key=of_key))


def read_document(file: FilePath) -> Document:
    """Read one YAML file.

    Raises:
        InvalidInput: the file cannot be read, is not YAML, or has a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(Problem(f"not UTF-8 text: byte {error.start}", file)) from error
    except OSError as error:
        raise InvalidInput(Problem(_os_reason(error), file)) from error
    return parse_document(text, file)


def parse_document(text: str, file: FilePath) -> Document:
    """Read YAML from `text`; `file` names it in messages.

    Raises:
        InvalidInput: it is not YAML, or has a key twice.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        node = loader.get_single_node()
        builder = _Builder(loader, file)
        document = Document(file, None, builder.keys, builder.places)
        if node is not None:
            document.values = builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidInput(_syntax_problem(error, mark, file)) from error
    except yaml.reader.ReaderError as error:
        message = f"a character YAML does not allow: {error.character!r}"
        raise InvalidInput(Problem(message, file)) from error
    except yaml.YAMLError as error:
        raise InvalidInput(Problem(f"not YAML: {error}", file)) from error
    finally:
        loader.dispose()
    if builder.problems:
        raise InvalidInput(*builder.problems)
    return document


def _syntax_problem(error: yaml.MarkedYAMLError, mark: Any, file: FilePath) -> Problem:
    place = Place(mark.line + 1, mark.column + 1) if mark else None
    words = " ".join(part for part in (error.context, error.problem) if part)
    return Problem(f"not valid YAML: {words}", file, place)


def _os_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return (error.strerror or str(error)).lower()


class _Builder:
    """Turns YAML nodes into plain values and notes where each one stands."""

    def __init__(self, loader: Any, file: FilePath) -> None:
        self.loader = loader
        self.file = file
        self.keys: dict[KeyPath, Place] = {}
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._built = 0

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self._built += 1
        if id(node) in self._open or self._built > _MOST_NODES:
            raise yaml.constructor.ConstructorError(
                None, None, "an alias that contains itself or too much", node.start_mark
            )
        self.places[path] = _place(node)
        self._open.add(id(node))
        try:
            return self._value(node, path)
        finally:
            self._open.discard(id(node))

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return self.loader.construct_object(node)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value!r}: {error}", node.start_mark
            ) from error

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self._refuse_twins(node)
        self.loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(self.loader.construct_object(key_node, deep=True))
            self.keys[*path, key] = _place(key_node)
            values[key] = self.build(value_node, (*path, key))
        return values

    def _refuse_twins(self, node: yaml.MappingNode) -> None:
        """Report keys that stand twice; merged-in keys (`<<`) may be overridden."""
        seen: dict[str, Place] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = str(key_node.value)
            if key in seen:
                message = f"{key} stands here a second time (first in line {seen[key].line})"
                self.problems.append(Problem(message, self.file, _place(key_node)))
            seen.setdefault(key, _place(key_node))


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)

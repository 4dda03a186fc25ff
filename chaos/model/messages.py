"""Pydantic's errors in the words of the file's author."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from chaos.model.document import KeyPath
from chaos.model.problems import nearest
from chaos.model.secrets import conceal

TAG = "~"
"""Begins the name of a choice among models, which pydantic puts into an error's path."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path of the document; its place in the file follows from the path."""

    message: str
    path: KeyPath
    of_key: bool = False
    """The key is wrong (or the whole entry), rather than the value."""


def findings(
    error: ValidationError, model: type[BaseModel], prefix: KeyPath = ()
) -> Iterator[Finding]:
    """One finding for each thing pydantic found wrong with a value of type `model`."""
    for detail in error.errors(include_url=False):
        path = in_document(detail["loc"])
        name = _name_of(path)
        where: KeyPath = (*prefix, *path)
        match detail["type"]:
            case "extra_forbidden":
                hint = nearest(name, _fields_at(model, detail["loc"][:-1]))
                yield Finding(f"unknown key {name}{hint}", where, of_key=True)
            case "missing":
                yield Finding(f"{name} is missing", where[:-1], of_key=True)
            case kind:
                yield Finding(_wrong_value(kind, detail, name), where)


def in_document(loc: KeyPath) -> KeyPath:
    """The path of an error as it is in the file, without the names of choices."""
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith(TAG)))


def _name_of(path: KeyPath) -> str:
    """The key that `path` ends in; an item of a list goes by its list's name."""
    return next((part for part in reversed(path) if isinstance(part, str)), "the file")


_NOUNS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "list_type": "a list",
    "tuple_type": "a list",
}


def _wrong_value(kind: str, detail: Any, name: str) -> str:
    found = _shown(detail["input"])
    if kind == "value_error":
        return f"{name}: {detail['ctx']['error']}; found {found}"
    if kind == "choice":
        return f"{name}: {detail['msg']}; found {found}"
    if kind in {"enum", "literal_error"}:
        return f"{name}: unknown {found}{_hint_for_choice(detail)}"
    if kind in _NOUNS:
        return f"{name} must be {_NOUNS[kind]}; found {found}"
    said = detail["msg"].removeprefix("Input should be ").removeprefix("Value should be ")
    return f"{name} must be {said}; found {found}"


def _hint_for_choice(detail: Any) -> str:
    expected = detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "")
    return nearest(str(detail["input"]), [word.strip() for word in expected.split(",")])


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = conceal(str(value.value if isinstance(value, Enum) else value))
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line


def _fields_at(model: Any, path: KeyPath) -> list[str]:
    """The names of the fields allowed at `path` inside a value of type `model`."""
    for part in path:
        model = _inside(model, part)
    found = next(_models_in(model), None)
    if found is None:
        return []
    return [field.alias or name for name, field in found.model_fields.items()]


def _inside(annotation: Any, part: str | int) -> Any:
    if isinstance(part, str) and part.startswith(TAG):
        return _choice(annotation, part)
    for model in _models_in(annotation) if isinstance(part, str) else ():
        if part in model.model_fields:
            return model.model_fields[part].annotation
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    if get_origin(annotation) in (tuple, list):
        return get_args(annotation)[0]
    return annotation


def _choice(annotation: Any, tag: str) -> Any:
    """The member of a union that carries the tag."""
    for part in get_args(annotation):
        if any(getattr(meta, "tag", None) == tag for meta in getattr(part, "__metadata__", ())):
            return get_args(part)[0]
        found = _choice(part, tag)
        if found is not None:
            return found
    return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that `annotation` is, or is a union or an annotated form of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, tuple, list):
        for part in get_args(annotation):
            yield from _models_in(part)

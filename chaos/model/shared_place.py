"""A place that several machines share: `s3://bucket/prefix` or `dynamodb://table`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from chaos.model.fields import as_text

_FORM = re.compile(
    r"s3://(?P<bucket>[a-z0-9.-]{3,63})(?:/(?P<prefix>\S*?))?/?"
    r"|dynamodb://(?P<table>[A-Za-z0-9_.-]{3,255})"
)


class PlaceKind(StrEnum):
    """What keeps the things."""

    S3 = "s3"
    DYNAMODB = "dynamodb"


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """A bucket with a prefix, or a table."""

    kind: PlaceKind
    name: str
    """The bucket's or the table's."""
    prefix: str = ""
    """Of keys in the bucket, without a slash at its end."""

    def __str__(self) -> str:
        return f"{self.kind}://{self.name}{f'/{self.prefix}' if self.prefix else ''}"


def parse_shared_place(value: object) -> SharedPlace:
    """Read `s3://bucket/prefix` or `dynamodb://table`.

    Raises:
        ValueError: it is neither.
    """
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write s3://bucket/prefix or dynamodb://table")
    if found["table"]:
        return SharedPlace(PlaceKind.DYNAMODB, found["table"])
    return SharedPlace(PlaceKind.S3, found["bucket"], found["prefix"] or "")


SharedPlaceField = Annotated[
    SharedPlace,
    PlainValidator(parse_shared_place),
    PlainSerializer(str),
    as_text("A place that several machines share.", "s3://bucket/prefix", "dynamodb://table"),
]

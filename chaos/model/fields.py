"""The field types of experiment files: text in YAML, typed values in Python."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from chaos.model.units import (
    Selection,
    Threshold,
    parse_duration,
    parse_percentage,
    parse_rate,
    parse_selection,
    parse_threshold,
)


class Declared(BaseModel):
    """A part of a user's file: never changed after reading, and no unknown key is let through."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, populate_by_name=True, strict=False
    )


def as_text(description: str, *examples: str) -> WithJsonSchema:
    """How a value written as text shows in the JSON Schema."""
    schema: dict[str, Any] = {"type": "string", "description": description}
    return WithJsonSchema(schema | {"examples": list(examples)}, mode="validation")


def of_form(pattern: str, form: str) -> AfterValidator:
    """Text that matches the pattern; `form` tells the user what to write."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"write {form}")
        return text

    return AfterValidator(check)


Duration = Annotated[
    float,
    PlainValidator(parse_duration),
    PlainSerializer(lambda seconds: f"{seconds:.15g}s"),
    as_text("A duration with its unit.", "500ms", "30s", "5m", "1h30m", "PT5M"),
]
"""Seconds."""

Rate = Annotated[
    float,
    PlainValidator(parse_rate),
    PlainSerializer(lambda rate: f"{rate:.15g}/s"),
    as_text("Arrivals per unit of time.", "100/s", "6000/m"),
]
"""Arrivals per second."""

Percentage = Annotated[
    float,
    PlainValidator(parse_percentage),
    PlainSerializer(lambda ratio: f"{ratio * 100:.15g}%"),
    as_text("A percentage.", "99.9%"),
]
"""A ratio in 0..1."""

Objective = Annotated[
    Threshold,
    PlainValidator(parse_threshold),
    PlainSerializer(str),
    as_text("A comparison and a bound.", ">= 99.9%", "<= 800ms"),
]

Choice = Annotated[
    Selection,
    PlainValidator(parse_selection),
    PlainSerializer(str),
    as_text("Which of the matching resources are taken.", "all", "count(2)", "percent(50)"),
]


def _one_value(value: object) -> object:
    if isinstance(value, str | int | float | bool):
        return value
    raise ValueError("a variable is one text, number, true or false")


Scalar = Annotated[
    str | int | float | bool,
    PlainValidator(_one_value),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""The value of a variable."""

Name = Annotated[str, Field(min_length=1)]

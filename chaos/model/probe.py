"""Probes: one question each, put to the system from outside, and what a good answer is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
)

from chaos.model.fields import Declared, Duration, Name, Scalar, as_text, of_form
from chaos.model.messages import TAG
from chaos.model.secrets import ENV_PREFIX, UrlText
from chaos.model.units import COMPARE

_DATABASE = r"(postgres(ql)?://.|\$\{env:\w+\}).*"
_EXPECTED_NUMBER = re.compile(r"(>=|<=|>|<|==)\s*(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class NumberBound:
    """A bound on a plain number: `>= 4`."""

    comparison: str
    bound: float

    def holds_for(self, value: float) -> bool:
        """Whether `value` is on the side that is meant."""
        return COMPARE[self.comparison](value, self.bound)

    def __str__(self) -> str:
        return f"{self.comparison} {self.bound:g}"


def parse_number_bound(text: object) -> NumberBound:
    """Read `>= 4`.

    Raises:
        ValueError: it is no comparison with a number.
    """
    found = _EXPECTED_NUMBER.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError('not a bound; write a comparison and a number: ">= 4"')
    return NumberBound(found[1], float(found[2]))


Bound = Annotated[
    NumberBound,
    PlainValidator(parse_number_bound),
    PlainSerializer(str),
    as_text("A comparison and a number.", ">= 4"),
]


class _Probe(Declared):
    """What all probes have."""

    default_every: ClassVar[float] = 1.0

    every: Annotated[
        Duration | None, Field(description="Between two samples; the kind has its default.")
    ] = None
    within: Annotated[Duration, Field(description="The longest an answer may take.")] = 5.0

    @property
    def interval(self) -> float:
        """Seconds between two samples."""
        return self.every if self.every is not None else self.default_every

    @property
    def patience(self) -> float:
        """Seconds after which an answer is given up."""
        return self.within


class HttpExpectation(Declared):
    """What a good answer is."""

    status: Annotated[int, Field(ge=100, le=599)] = 200
    within: Annotated[Duration, Field(description="The longest it may take.")] = 5.0


_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


def _without_secrets(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in _SECRET_HEADERS and f"${{{ENV_PREFIX}" not in value:
            raise ValueError(f"{name} is a secret, which does not belong here; write ${{env:NAME}}")
    return headers


class HttpProbe(_Probe):
    """A GET that must be answered as expected."""

    default_every = 0.1

    http: Annotated[UrlText, Field(min_length=1, description="${host} is the environment's.")]
    headers: Annotated[
        dict[str, str],
        AfterValidator(_without_secrets),
        Field(description="Sent with it; a secret is written ${env:NAME}."),
    ] = Field(default_factory=dict)
    expect: HttpExpectation = HttpExpectation()

    @property
    def patience(self) -> float:
        """Seconds after which an answer is given up."""
        return min(self.within, self.expect.within)

    def __str__(self) -> str:
        return f"GET {self.http}"


class TcpProbe(_Probe):
    """A connection that must be accepted."""

    default_every = 0.1

    tcp: Annotated[str, of_form(r".+:\d+", "HOST:PORT")]

    def __str__(self) -> str:
        return f"connect to {self.tcp}"


class AlarmProbe(_Probe):
    """A CloudWatch alarm that must be in a state."""

    default_every = 5.0

    alarm: Annotated[Name, Field(description="The alarm's name.")]
    expect: Literal["OK", "ALARM", "INSUFFICIENT_DATA"] = "OK"

    def __str__(self) -> str:
        return f"alarm {self.alarm}"


class Metric(Declared):
    """A CloudWatch metric."""

    namespace: Name
    name: Name
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: str = "Average"
    period: Duration = 60.0


class MetricProbe(_Probe):
    """The newest value of a CloudWatch metric, which must be within a bound."""

    default_every = 5.0

    metric: Metric
    expect: Bound

    def __str__(self) -> str:
        return f"{self.metric.namespace} {self.metric.name}"


class AwsProbe(_Probe):
    """The state of an AWS resource, as its describe call shows it."""

    default_every = 1.0

    aws: Annotated[Name, Field(description="What is asked: aws:rds:db-status.")]
    of: Annotated[Name, Field(description="The resource's name or id.")]
    expect: Annotated[
        str,
        BeforeValidator(str, json_schema_input_type=Scalar),
        Field(description='A word, or a bound: ">= 4".'),
    ]

    def __str__(self) -> str:
        return f"{self.aws} of {self.of}"


class SqlProbe(_Probe):
    """A query whose first value must be as expected (or just be answered)."""

    sql: Annotated[Name, Field(description="The query.")]
    url: Annotated[UrlText, of_form(_DATABASE, "postgresql://USER@HOST/NAME or ${env:NAME}")]
    expect: Annotated[
        str | None,
        BeforeValidator(
            lambda value: value if value is None else str(value),
            json_schema_input_type=Scalar | None,
        ),
    ] = None

    def __str__(self) -> str:
        return f"SQL {self.sql}"


class CommandProbe(_Probe):
    """A command that must exit with 0."""

    command: Annotated[tuple[str, ...], Field(min_length=1, description="The words of it.")]

    def __str__(self) -> str:
        return f"command {' '.join(self.command)}"


class PythonProbe(_Probe):
    """A Python callable that must return something true (or `(bool, text)`) and not raise."""

    python: Annotated[str, of_form(r"[\w.]+:\w+", "MODULE:FUNCTION")]

    def __str__(self) -> str:
        return f"python {self.python}"


KINDS = {
    "http": HttpProbe,
    "tcp": TcpProbe,
    "alarm": AlarmProbe,
    "metric": MetricProbe,
    "aws": AwsProbe,
    "sql": SqlProbe,
    "command": CommandProbe,
    "python": PythonProbe,
}
"""By the key that makes a probe one of its kind."""


def _kind_of(value: Any) -> str | None:
    """The tag of a probe: the one key that names a kind."""
    if isinstance(value, _Probe):
        return next(TAG + key for key, kind in KINDS.items() if isinstance(value, kind))
    keys = [key for key in KINDS if isinstance(value, dict) and key in value]
    return TAG + keys[0] if len(keys) == 1 else None


Probe = Annotated[
    Annotated[HttpProbe, Tag(TAG + "http")]
    | Annotated[TcpProbe, Tag(TAG + "tcp")]
    | Annotated[AlarmProbe, Tag(TAG + "alarm")]
    | Annotated[MetricProbe, Tag(TAG + "metric")]
    | Annotated[AwsProbe, Tag(TAG + "aws")]
    | Annotated[SqlProbe, Tag(TAG + "sql")]
    | Annotated[CommandProbe, Tag(TAG + "command")]
    | Annotated[PythonProbe, Tag(TAG + "python")],
    Discriminator(
        _kind_of,
        custom_error_type="choice",
        custom_error_message=f"a probe asks exactly one of {', '.join(KINDS)}",
    ),
]

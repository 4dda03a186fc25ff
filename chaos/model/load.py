"""The load on the system, as an experiment declares it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
    ValidationInfo,
)

from chaos.model.fields import Declared, Duration, Name, Rate, as_text
from chaos.model.messages import TAG
from chaos.model.rate import Leg, Legs, steady
from chaos.model.units import parse_rate_or_zero


def _above_zero(seconds: float) -> float:
    if seconds > 0:
        return seconds
    raise ValueError("must be longer than 0s")


_Length = Annotated[Duration, AfterValidator(_above_zero)]

_RateOrZero = Annotated[
    float,
    PlainValidator(parse_rate_or_zero),
    PlainSerializer(lambda rate: f"{rate:.15g}/s"),
    as_text("Arrivals per unit of time.", "100/s", "0/s"),
]


class Step(Declared):
    """The same rate for a while."""

    at: _RateOrZero
    for_: Annotated[
        _Length | None, Field(alias="for", description="The last one may go on to the end.")
    ] = None

    def __str__(self) -> str:
        return f"{self.at:g}/s"


class Ramp(Declared):
    """A rate that changes evenly."""

    from_: Annotated[_RateOrZero, Field(alias="from")]
    to: _RateOrZero
    over: _Length

    def __str__(self) -> str:
        return f"{self.from_:g} to {self.to:g}/s"


class Replay(Declared):
    """A rate that was recorded."""

    replay: Annotated[Name, Field(description="A CSV file with the columns second and rate.")]

    def __str__(self) -> str:
        return self.replay


def _kind_of_part(value: Any) -> str:
    is_step = isinstance(value, Step) or (isinstance(value, dict) and "at" in value)
    return f"{TAG}step" if is_step else f"{TAG}ramp"


_Part = Annotated[
    Annotated[Step, Tag(f"{TAG}step")] | Annotated[Ramp, Tag(f"{TAG}ramp")],
    Discriminator(_kind_of_part),
]


def _check_parts(parts: tuple[_Part, ...]) -> tuple[_Part, ...]:
    if any(isinstance(part, Step) and part.for_ is None for part in parts[:-1]):
        raise ValueError("only the last step may go without for: it goes on to the end of the run")
    if not any(leg.start or leg.end for leg in map(_leg_of, parts)):
        raise ValueError("some rate must be above 0/s")
    return parts


def _leg_of(part: Step | Ramp) -> Leg:
    if isinstance(part, Ramp):
        return Leg(part.over, part.from_, part.to)
    return steady(part.at)[0] if part.for_ is None else Leg(part.for_, part.at, part.at)


def _kind_of_rate(value: Any) -> str | None:
    match value:
        case str() | float():
            return f"{TAG}rate"
        case list() | tuple():
            return f"{TAG}parts"
        case dict() | Replay():
            return f"{TAG}replay"
        case _:
            return None


RatePlan = Annotated[
    Annotated[Rate, Tag(f"{TAG}rate")]
    | Annotated[tuple[_Part, ...], AfterValidator(_check_parts), Tag(f"{TAG}parts")]
    | Annotated[Replay, Tag(f"{TAG}replay")],
    Discriminator(
        _kind_of_rate,
        custom_error_type="choice",
        custom_error_message="write 100/s, a list of steps and ramps, or {replay: FILE}",
    ),
]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_arrivals(arrivals: str, given: ValidationInfo) -> str:
    if arrivals != "even" and given.data.get("rate", arrivals) is None:
        raise ValueError("belongs to the open model, so give a rate too")
    return arrivals


class Load(Declared):
    """The load on the system, from a Locust file."""

    locustfile: Annotated[Name, Field(description="Any Locust file, unchanged.")]
    rate: Annotated[
        RatePlan | None,
        Field(
            description="Open model: arrivals do not wait for answers. A rate, steps and ramps "
            "one after the other, or a recorded rate."
        ),
    ] = None
    arrivals: Annotated[
        Literal["even", "poisson"],
        AfterValidator(_check_arrivals),
        Field(description="Open model: evenly spaced, or at random as independent customers come."),
    ] = "even"
    users: Annotated[
        int | None,
        Field(ge=1, description="Closed model: how many users. With a rate: the pool's size."),
    ] = None
    spawn_rate: Annotated[
        float | None, Field(gt=0, description="Closed model: users started per second.")
    ] = None
    timeout: Annotated[Duration, Field(description="The longest a request may take.")] = 10.0
    served_by: Annotated[
        tuple[Name, ...],
        BeforeValidator(_as_list, json_schema_input_type=tuple[Name, ...] | Name),
        Field(description="Headers of an answer that name who served it: the zone, the instance."),
    ] = ("X-Served-Zone", "X-Served-By")
    processes: Annotated[int, Field(ge=1, description="Locust processes on this machine.")] = 1
    workers: Annotated[
        int, Field(ge=0, description="Locust workers on other machines to wait for.")
    ] = 0

    @property
    def legs(self) -> Legs | None:
        """The rate over time; None in the closed model, and where it stands in a file."""
        match self.rate:
            case None | Replay():
                return None
            case tuple():
                return tuple(map(_leg_of, self.rate))
            case rate:
                return steady(rate)

    def __str__(self) -> str:
        match self.rate:
            case None:
                return f"{self.users or 'its own'} users"
            case tuple():
                return f"{', '.join(map(str, self.rate))} arrivals"
            case Replay():
                return f"arrivals as in {self.rate}"
            case rate:
                return f"{rate:g} arrivals/s"

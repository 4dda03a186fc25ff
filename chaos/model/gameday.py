"""The game day: when a series of experiments runs, who is there, and what must be so before."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from chaos.model.environment import LAB
from chaos.model.fields import Declared, Duration, Name, Scalar
from chaos.model.notification import Notifications
from chaos.model.precondition import Precondition
from chaos.model.times import MINUTES_A_DAY, Cron, Date, Days, Moment, TimeOfDay, Zone, parse_zone

EVERY_DAY = frozenset(range(7))


class Participant(Declared):
    """Someone who takes part."""

    name: Name
    role: str = ""


class RandomTimes(Declared):
    """Days drawn at random, one start a day at most, as Chaos Monkey draws them.

    Days on which no window is open do not count.
    """

    mean_days: Annotated[float, Field(ge=1, description="From one to the next, in the mean.")]
    minimum_days: Annotated[int, Field(ge=1, description="From one to the next, at least.")] = 1

    @model_validator(mode="after")
    def _the_mean_is_not_below_the_minimum(self) -> RandomTimes:
        if self.mean_days < self.minimum_days:
            raise ValueError("mean_days is below minimum_days")
        return self


class WhenMissed(StrEnum):
    """What becomes of a day that nobody was there to start."""

    SKIP = "skip"
    RUN = "run"


class Schedule(Declared):
    """When it runs by itself: exactly one of cron, at and random."""

    cron: Cron | None = None
    at: Annotated[Moment | None, Field(description="Once, in the game day's time zone.")] = None
    random: RandomTimes | None = None
    spread: Annotated[
        Duration, Field(description="Start somewhere in so long a time from there, drawn.")
    ] = 0.0
    late: Annotated[
        Duration, Field(description="So much later than planned it may still begin.")
    ] = 1800.0
    missed: Annotated[WhenMissed, Field(description="What is later still: skip or run.")] = (
        WhenMissed.SKIP
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Schedule:
        if sum(way is not None for way in (self.cron, self.at, self.random)) != 1:
            raise ValueError("give exactly one of cron, at, random")
        if self.random and self.spread:
            raise ValueError("random draws the time of day itself; leave spread out")
        return self


class Window(Declared):
    """A time of the week; over midnight where `to` is before `from`."""

    days: Days = EVERY_DAY
    from_: Annotated[TimeOfDay, Field(alias="from")] = 0
    to: TimeOfDay = MINUTES_A_DAY

    @model_validator(mode="after")
    def _not_empty(self) -> Window:
        if self.from_ == self.to:
            raise ValueError("is empty: from and to are the same")
        return self


def _one_date(value: Any) -> Any:
    return value if isinstance(value, dict) else {"from": value, "to": value}


class Blackout(Declared):
    """Days on which it never runs, the first and the last included."""

    from_: Annotated[Date, Field(alias="from")]
    to: Date
    because: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Blackout:
        if self.to < self.from_:
            raise ValueError("to is before from")
        return self


_Dates = Annotated[Blackout, BeforeValidator(_one_date, json_schema_input_type=Blackout | Date)]


class Approval(Declared):
    """Whether a person must say yes, and for how long that counts."""

    required: bool = True
    valid_for: Duration = 86_400.0


class Order(StrEnum):
    """In which order experiments run."""

    WRITTEN = "written"
    RANDOM = "random"


class OnFailure(StrEnum):
    """What happens after an experiment that did not pass."""

    STOP = "stop"
    CONTINUE = "continue"


def _as_use(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


class ExperimentUse(Declared):
    """One experiment of the series."""

    file: Annotated[Name, Field(description="Looked up beside the game day's file.")]
    group: Annotated[str, Field(description="For choose.")] = ""
    pause: Annotated[Duration | None, Field(description="After it, instead of the day's.")] = None
    expect: Annotated[str, Field(description="What people expect to see; for --step.")] = ""
    variables: dict[str, Scalar] = Field(default_factory=dict)


_Use = Annotated[
    ExperimentUse, BeforeValidator(_as_use, json_schema_input_type=ExperimentUse | str)
]


class GameDay(Declared):
    """The declared file, read and checked."""

    title: Name
    description: str = ""
    owner: str = ""
    participants: tuple[Participant, ...] = ()
    environment: Annotated[str, Field(description="lab, or a name from chaos.toml.")] = LAB
    variables: Annotated[dict[str, Scalar], Field(description="For all of the experiments.")] = (
        Field(default_factory=dict)
    )
    timezone: Zone = parse_zone("UTC")
    schedule: Schedule | None = None
    windows: Annotated[
        tuple[Window, ...], Field(description="When it may run; default: always.")
    ] = ()
    blackouts: tuple[_Dates, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    approval: Approval = Approval(required=False)
    seed: Annotated[int | None, Field(description="Of all that is drawn; default: the title.")] = (
        None
    )
    order: Order = Order.WRITTEN
    choose: Annotated[
        Annotated[int, Field(ge=1)] | None, Field(description="So many of each group, drawn.")
    ] = None
    pause: Annotated[Duration, Field(description="Between two experiments.")] = 0.0
    on_failure: OnFailure = OnFailure.STOP
    experiments: Annotated[tuple[_Use, ...], Field(min_length=1)]
    notifications: Notifications = Notifications()

    @property
    def seed_text(self) -> str:
        """What every draw begins with."""
        return str(self.seed) if self.seed is not None else self.title

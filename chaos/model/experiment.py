"""The experiment: what must hold, what load is on the system, and what breaks when."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Protocol

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from chaos.model.fields import Choice, Declared, Duration, Name, Scalar
from chaos.model.load import Load
from chaos.model.probe import Probe
from chaos.model.slo import Slo
from chaos.model.stop_condition import StopCondition, parse_stop_condition
from chaos.model.units import Selection


class Phases(Declared):
    """How long each phase lasts; the fault phase follows from the actions."""

    warmup: Annotated[Duration, Field(description="Load without measurement.")] = 0.0
    baseline: Annotated[Duration, Field(description="Before the first fault.")] = 0.0
    fault: Annotated[Duration, Field(description="At least this long; the actions decide.")] = 0.0
    recovery: Annotated[Duration, Field(description="After the last undo.")] = 0.0


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[
    tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=tuple[str, ...] | str)
]


class Target(Declared):
    """The resources an action hits."""

    type: Annotated[Name, Field(description="A resource type: aws:ec2:instance.")]
    ids: Annotated[Texts, Field(description="Ids of the resources.")] = ()
    tags: Annotated[dict[str, str], Field(description="All of these tags.")] = Field(
        default_factory=dict
    )
    filters: Annotated[
        dict[str, Texts],
        Field(description="Paths into AWS's description and the values allowed there."),
    ] = Field(default_factory=dict)
    select: Annotated[Choice, Field(description="all, count(2) or percent(50).")] = Selection()


class ActionUse(Declared):
    """One fault, and when."""

    action: Annotated[Name, Field(description="As FIS names it: aws:ec2:stop-instances.")]
    targets: Annotated[str | None, Field(description="A name from targets.")] = None
    parameters: Annotated[dict[str, Any], Field(description="The action's own.")] = Field(
        default_factory=dict
    )
    at: Annotated[
        Duration | None, Field(description="From the start of the fault phase; default 0s.")
    ] = None
    after: Annotated[
        Texts, Field(description="Starts when these actions have ended and are undone.")
    ] = ()
    duration: Annotated[
        Duration, Field(description="From the confirmed injection to the undo.")
    ] = 0.0


class BlastRadius(Declared):
    """The most that may be hit."""

    max_percent: Annotated[float, Field(gt=0, le=100, description="Of a group, in per cent.")] = (
        100.0
    )


Stop = Annotated[
    StopCondition,
    PlainValidator(parse_stop_condition),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "description": "What aborts the run.",
            "examples": ["error_rate > 60% for 10s", "error_budget > 5%", "alarm: shop-5xx"],
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"alarm": {"type": "string"}},
                    "required": ["alarm"],
                    "additionalProperties": False,
                },
            ],
        },
        mode="validation",
    ),
]


class Experiment(Declared):
    """The declared file, read and checked."""

    title: Annotated[Name, Field(description="What is claimed, in one sentence.")]
    description: str = ""
    tags: Texts = ()
    variables: Annotated[
        dict[str, Scalar],
        Field(exclude=True, description="For ${name}; filled in where they stand, and not stored."),
    ] = Field(default_factory=dict)
    seed: Annotated[int | None, Field(description="Makes the choice of targets repeatable.")] = None
    load: Load | None = None
    phases: Phases = Phases()
    probes: Annotated[
        dict[str, Probe], Field(description="Sampled all along; for slos and stop_conditions.")
    ] = Field(default_factory=dict)
    steady_state: tuple[Probe, ...] = ()
    slos: tuple[Slo, ...] = ()
    targets: dict[str, Target] = Field(default_factory=dict)
    actions: dict[str, ActionUse] = Field(default_factory=dict)
    stop_conditions: tuple[Stop, ...] = ()
    blast_radius: BlastRadius = BlastRadius()


class ActionType(Protocol):
    """What the model must know of an action to check its use; the actions room provides it."""

    id: ClassVar[str]
    resource: ClassVar[str | None]
    Parameters: ClassVar[type[BaseModel]]


class Catalog(Protocol):
    """The actions and resource types that exist."""

    def find_action(self, action_id: str) -> type[ActionType] | None:
        """The action of that id; None where there is none."""

    def action_ids(self) -> list[str]:
        """The ids of all actions."""

    def resource_types(self) -> list[str]:
        """The resource types that can be targets."""

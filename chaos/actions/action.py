"""What an action is."""

from __future__ import annotations

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from chaos.aws.factory import ClientFactory
from chaos.aws.resources import Resource


class Parameters(BaseModel):
    """An action's own parameters; keys are written as FIS writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class State(BaseModel):
    """All that an undo needs. It is on disk before anything is changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ToBeKnown:
    """A value that AWS chooses in an earlier call, such as a new id; a plan shows its name."""

    name: str

    def __str__(self) -> str:
        return f"<{self.name}>"


Known = dict[ToBeKnown, Any]
"""What the calls made so far have made known."""


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the AWS API, as a plan shows it and a run makes it."""

    service: str
    operation: str
    """As boto3 names it: `stop_instances`."""
    parameters: Mapping[str, Any]
    """Any of them may be `ToBeKnown` by an earlier call."""
    gives: Mapping[ToBeKnown, str] = field(default_factory=dict)
    """What its answer makes known, and where in it: `NetworkAcl.NetworkAclId`."""

    def make(self, clients: ClientFactory, known: Known | None = None) -> Any:
        """Make the call with what is known, and add to that what it gives.

        Raises what boto3 raises, and KeyError where something is not known yet.
        """
        known = {} if known is None else known
        parameters = {
            key: known[value] if isinstance(value, ToBeKnown) else value
            for key, value in self.parameters.items()
        }
        answer = getattr(clients.client(self.service), self.operation)(**parameters)
        for value, path in self.gives.items():
            known[value] = reduce(getitem, path.split("."), answer)
        return answer

    @property
    def as_command(self) -> str:
        """The same call for a shell, by the AWS CLI."""
        operation = self.operation.replace("_", "-")
        given = shlex.quote(json.dumps(self.parameters, default=str))
        return f"aws {self.service} {operation} --cli-input-json {given}"

    def __str__(self) -> str:
        words = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.service}:{self.operation}({words})"


class CannotRevert(Exception):
    """What was there before cannot be had back; the message says why."""


class ActionKind(ABC):
    """What an experiment can name as an action: an `Action`, or a `Composite` of several."""

    id: ClassVar[str]
    """As FIS names it: `aws:ec2:stop-instances`."""
    resource: ClassVar[str | None] = None
    """The resource type it works on; None where it takes no targets."""
    permissions: ClassVar[tuple[str, ...]] = ()
    """The IAM actions it needs: `ec2:StopInstances`."""
    no_undo: ClassVar[str] = ""
    """Why it needs no undo, where it is not `Revertible`."""
    Parameters: ClassVar[type[BaseModel]] = Parameters
    State: ClassVar[type[BaseModel]] = State

    def __init__(self, clients: ClientFactory, parameters: Mapping[str, Any]) -> None:
        self.clients = clients
        self.parameters: Any = self.Parameters.model_validate(parameters)


class Action(ActionKind):
    """One kind of fault.

    A run calls `capture`, writes the state to disk, calls `inject`, asks `injected` until AWS
    confirms the effect, and at the end, where the action is `Revertible`, undoes it. None of these
    waits: what takes time is asked for again, so that several faults can overlap in one thread.
    """

    def capture(self, targets: Sequence[Resource]) -> BaseModel:  # noqa: ARG002 - for those that need it
        """All that the undo needs; reads AWS and changes nothing."""
        return self.State()

    @abstractmethod
    def inject_calls(self, targets: Sequence[Resource], state: Any) -> list[ApiCall]:
        """The calls that inject the fault, in order."""

    def inject(self, targets: Sequence[Resource], state: Any) -> None:
        """Make the calls; returns when they are accepted."""
        known: Known = {}
        for call in self.inject_calls(targets, state):
            call.make(self.clients, known)

    def injected(self, targets: Sequence[Resource], state: Any) -> bool:  # noqa: ARG002
        """Whether AWS confirms that the effect is there."""
        return True


class Revertible(ABC):
    """The ability to put back what was changed."""

    @abstractmethod
    def revert_calls(self, state: Any) -> list[ApiCall]:
        """The calls that undo all of it, for a plan and for mending by hand."""

    @abstractmethod
    def revert(self, state: Any) -> None:
        """Do what can be done now. Idempotent; touches only what the injection changed.

        It is called again until `verify` says that all is back, so where AWS needs a resource to
        settle first, leave it for the next time.

        Raises:
            CannotRevert: something is gone for good.
        """

    @abstractmethod
    def verify(self, state: Any) -> bool:
        """Whether AWS, read back, shows all as it was."""


class Expiring(ABC):
    """The ability to give a fault an end that AWS itself keeps, whatever becomes of the runner."""

    @abstractmethod
    def expiring(self, state: Any, at: float) -> BaseModel:
        """The state of a fault that is over by itself at that time, in seconds since the epoch.

        A run asks for it between `capture` and writing the state down.
        """

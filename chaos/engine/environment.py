"""An environment that has been opened: all that the engine knows of where it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.aws.factory import ClientFactory
from chaos.aws.shared_store import SharedStore
from chaos.measure.run import Event
from chaos.model.environment import DeadMansSwitchSettings, Protected
from chaos.model.experiment import BlastRadius


def _saw_nothing() -> list[Event]:
    return []


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """Where this very process runs, if that is in the account."""

    instance: str
    subnet: str


@dataclass(frozen=True, slots=True)
class OpenEnvironment:
    """Where an experiment runs, ready to be used."""

    name: str
    host: str | None
    """What load and probes go to; None where the environment names none."""
    clients: ClientFactory | None = None
    """None where there is no AWS behind it."""
    account: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    """Where the AWS API is, where that is not AWS's own."""
    blast_radius: BlastRadius = field(default_factory=BlastRadius)
    protected: Protected = field(default_factory=Protected)
    """What no action may hit."""
    own_place: OwnPlace | None = None
    """What no action may hit, for the undo comes from there."""
    dead_mans_switch: DeadMansSwitchSettings | None = None
    """How faults are undone when the runner is gone; None where nothing is armed."""
    check_permissions: bool = False
    """Whether AWS is asked, before anything is touched, for all that a run needs."""
    lock_store: SharedStore | None = None
    """Where the lock is that other machines see; None where it is on this machine only."""
    mirror_store: SharedStore | None = None
    """Where the copies of its runs' journals are; None where there are none."""
    truth: Callable[[], list[Event]] = _saw_nothing
    """What really happened since the last call; only the lab knows."""

    @property
    def identity(self) -> str:
        """What tells it from any other, whatever it is called: one run at a time in each."""
        if self.account is None:
            return self.host or self.name
        return "-".join(filter(None, [self.account, self.region, self.endpoint_url]))

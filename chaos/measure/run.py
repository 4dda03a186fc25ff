"""What happened in one run: its phases, its faults with their times, its events, its load."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chaos.measure.recording import Recording
from chaos.measure.samples import SampleSeries


class PhaseName(StrEnum):
    """The parts of a run, in order."""

    WARMUP = "warmup"
    BASELINE = "baseline"
    FAULT = "fault"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """When a phase was; seconds since the epoch."""

    name: PhaseName
    started_at: float
    ended_at: float

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.ended_at - self.started_at


@dataclass(frozen=True, slots=True)
class FaultTimes:
    """What became of one action; times in seconds since the epoch, None where it never came to it.

    Four times are kept because a fault begins and ends neither when it is called nor when the call
    returns: the truth lies between `inject_called_at` and `inject_confirmed_at`.
    """

    name: str
    """The action's name in the experiment."""
    action: str
    """The action's id: `aws:ec2:stop-instances`."""
    targets: tuple[str, ...] = ()
    """Ids of the resources."""
    inject_called_at: float | None = None
    inject_confirmed_at: float | None = None
    revert_called_at: float | None = None
    revert_confirmed_at: float | None = None
    verified: bool | None = None
    """True: AWS was read back and all is as before. False: it is not. None: there is no undo."""
    error: str | None = None
    """What went wrong, in one line."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth a line in the report."""

    at: float
    """Seconds since the epoch."""
    kind: str
    """`phase`, `action`, `stop`, `probe`, `error`, or `truth` for what the lab saw happen."""
    text: str


class Ending(StrEnum):
    """How a run came to its end."""

    COMPLETED = "completed"
    ABORTED = "aborted"
    """A stop condition or a signal ended it early; everything was put back."""
    ROLLBACK_INCOMPLETE = "rollback_incomplete"
    """Something is still broken."""
    ALREADY_SICK = "already_sick"
    """The baseline missed an objective, so no fault was injected."""
    UNUSABLE = "unusable"
    """The environment could not be used: no load, no AWS, no steady state."""


@dataclass(frozen=True, slots=True)
class Run:
    """All that was measured in one run. Everything in a report follows from it."""

    run_id: str
    title: str
    description: str
    environment: str
    started_at: float
    ended_at: float
    ending: Ending
    reason: str = ""
    """Why it did not complete; empty where it did."""
    phases: tuple[PhaseSpan, ...] = ()
    faults: tuple[FaultTimes, ...] = ()
    events: tuple[Event, ...] = ()
    load: Recording = field(default_factory=Recording)
    probes: tuple[SampleSeries, ...] = ()
    """What the probes saw that were sampled all along."""
    steady_after: bool | None = None
    """Whether the steady state held again at the end; None where it was not asked."""
    had_load: bool = False
    """Whether the experiment puts load on the system at all."""

    def phase(self, name: PhaseName) -> PhaseSpan | None:
        """The span of that phase; None where the run never came to it."""
        return next((span for span in self.phases if span.name is name), None)

"""A run, read from its directory: the journal folded, the load merged.

The live engine uses the same reading at its end, so a report made again tells the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chaos.engine.journal import (
    AnyRecord,
    Captured,
    Failed,
    Noted,
    PhasesEnded,
    PhaseStarted,
    Reached,
    RunEnded,
    RunStarted,
    Stage,
    SteadyState,
    read_journal,
)
from chaos.engine.load_feed import read_load
from chaos.engine.sampler import read_samples
from chaos.measure.run import Ending, Event, FaultTimes, PhaseSpan, Run
from chaos.model.experiment import Experiment
from chaos.model.problems import InvalidInput, Problem


@dataclass(frozen=True)
class StoredRun:
    """A run and the experiment that it was a run of."""

    experiment: Experiment
    run: Run


def read_run(directory: Path, unwritten: Sequence[AnyRecord] = ()) -> StoredRun:
    """Read a run back, also one that ended in a crash.

    Args:
        directory: where it was written.
        unwritten: what is known besides, for a full disk kept it from being written.

    Raises:
        InvalidInput: there is no run in that directory, or it cannot be read.
    """
    try:
        journal = read_journal(directory)
    except FileNotFoundError as error:
        raise InvalidInput(Problem("no run here: it has no journal", directory)) from error
    started = journal.records[0] if journal.records else None
    if not isinstance(started, RunStarted):
        raise InvalidInput(Problem("the journal does not begin with a run", directory))
    notes = _damage(started.at, journal.damaged)
    return _fold(started, [started, *notes, *journal.records[1:], *unwritten], directory)


def _damage(at: float, lines: Sequence[int]) -> list[AnyRecord]:
    said = "line {} of the journal is damaged; what it said is not known"
    return [Noted(at=at, about="error", text=said.format(line)) for line in lines]


def _fold(started: RunStarted, records: list[AnyRecord], directory: Path) -> StoredRun:
    ended = next((r for r in records if isinstance(r, RunEnded)), None)
    steady = [r.holds for r in records if isinstance(r, SteadyState)]
    events = _events(records)
    run = Run(
        run_id=started.run_id,
        title=started.experiment.title,
        description=started.experiment.description,
        environment=started.environment,
        started_at=started.at,
        ended_at=records[-1].at,
        ending=ended.ending if ended else Ending.ABORTED,
        reason=ended.reason if ended else "the runner was ended before it could finish",
        phases=_phases(records),
        faults=tuple(_faults(records).values()),
        events=tuple(sorted(events, key=lambda event: event.at)),
        load=read_load(directory),
        probes=read_samples(directory),
        had_load=started.experiment.load is not None,
        steady_after=steady[-1] if steady else None,
    )
    return StoredRun(started.experiment, run)


def _phases(records: list[AnyRecord]) -> tuple[PhaseSpan, ...]:
    starts = [r for r in records if isinstance(r, PhaseStarted)]
    last = next((r.at for r in records if isinstance(r, PhasesEnded)), records[-1].at)
    ends = [*(r.at for r in starts[1:]), last]
    return tuple(
        PhaseSpan(start.phase, start.at, end) for start, end in zip(starts, ends, strict=False)
    )


def _faults(records: list[AnyRecord]) -> dict[str, FaultTimes]:
    faults: dict[str, FaultTimes] = {}
    for record in records:
        match record:
            case Captured(name=name, action=action, targets=targets):
                faults[name] = FaultTimes(name, action, targets)
            case Reached(name=name, stage=stage, at=at) if name in faults:
                faults[name] = _reached(faults[name], stage, at)
            case Failed(name=name, error=error, still_broken=broken) if name in faults:
                verified = False if broken else faults[name].verified
                faults[name] = replace(faults[name], error=error, verified=verified)
    return faults


def _reached(fault: FaultTimes, stage: Stage, at: float) -> FaultTimes:
    match stage:
        case Stage.INJECT_CALLED:
            return replace(fault, inject_called_at=at)
        case Stage.INJECT_CONFIRMED:
            return replace(fault, inject_confirmed_at=at)
        case Stage.REVERT_CALLED:
            return replace(fault, revert_called_at=at)
        case Stage.REVERT_CONFIRMED:
            return replace(fault, revert_confirmed_at=at, verified=True)


_SAID = {
    Stage.INJECT_CALLED: "injecting",
    Stage.INJECT_CONFIRMED: "AWS confirms the fault",
    Stage.REVERT_CALLED: "putting back",
    Stage.REVERT_CONFIRMED: "put back and verified",
}


def event_of(record: AnyRecord) -> Event | None:
    """The line that a record is worth; None where it is worth none."""
    match record:
        case PhaseStarted(at=at, phase=phase):
            return Event(at, "phase", f"{phase} begins")
        case Captured(at=at, name=name, action=action, targets=targets):
            return Event(at, "action", f"{name}: {action} on {', '.join(targets) or 'no target'}")
        case Reached(at=at, name=name, stage=stage):
            return Event(at, "action", f"{name}: {_SAID[stage]}")
        case Failed(at=at, name=name, error=error):
            return Event(at, "error", f"{name}: {error}")
        case Noted(at=at, about=about, text=text):
            return Event(at, about, text)
        case _:
            return None


def _events(records: list[AnyRecord]) -> list[Event]:
    return [event for record in records if (event := event_of(record)) is not None]

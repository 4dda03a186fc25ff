"""Conducting one game day: may it begin, then one experiment after the other, then the word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from chaos.engine.clock import Clock
from chaos.gameday import approval
from chaos.gameday.calendar import closed_because
from chaos.gameday.day import Day, DayRun, DayStatus, RunStatus
from chaos.gameday.selection import Chosen, choose_experiments
from chaos.gameday.store import Store
from chaos.model.gameday import OnFailure
from chaos.model.gameday_loading import LoadedGameDay
from chaos.model.problems import ChaosError, EnvironmentUnusable


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one experiment."""

    status: RunStatus
    said: str
    run_id: str | None = None


class Stage(Protocol):
    """The environment of a game day, open."""

    def unmet(self) -> Sequence[str]:
        """The preconditions that do not hold, a line each."""

    def run(self, chosen: Chosen, begun: Callable[[str], None]) -> Ran:
        """Run one experiment to its end, whatever that is; `begun` is told the run's id.

        Raises:
            ChaosError: it could not be begun.
        """


class Go(Enum):
    """What the facilitator wants."""

    RUN = auto()
    SKIP = auto()
    STOP = auto()


class Facilitator(Protocol):
    """Who leads through the day."""

    def before(self, day: Day, chosen: Chosen, of: int) -> Go:
        """Asked before each experiment."""

    def after(self, day: Day, run: DayRun) -> None:
        """Told after each experiment."""


class Unattended:
    """Nobody: every experiment runs."""

    def before(self, _day: Day, _chosen: Chosen, _of: int) -> Go:
        """See `Facilitator`."""
        return Go.RUN

    def after(self, _day: Day, _run: DayRun) -> None:
        """See `Facilitator`."""


@dataclass(frozen=True)
class Parts:
    """All that a game day needs besides its file."""

    store: Store
    clock: Clock
    open: Callable[[LoadedGameDay], AbstractContextManager[Stage]]
    title_of: Callable[[Chosen], str]
    facilitator: Facilitator
    stopped: Callable[[], str | None]
    """Why it is to end now: a signal, the kill switch; asked between experiments."""
    announce: Callable[[Day], None]
    """Tells people that it begins, where nothing is against it."""


class NotAllowed(ChaosError):
    """The day may not begin, or go on."""


_WORST_FIRST = {
    RunStatus.BROKEN: DayStatus.BROKEN,
    RunStatus.ABORTED: DayStatus.ABORTED,
    RunStatus.UNUSABLE: DayStatus.UNUSABLE,
    RunStatus.REFUSED: DayStatus.REFUSED,
    RunStatus.FAIL: DayStatus.FAILED,
    RunStatus.INCONCLUSIVE: DayStatus.INCONCLUSIVE,
}


def conduct(loaded: LoadedGameDay, day: Day, parts: Parts) -> Day:
    """Run a day whose right to run has been taken; it as it ended, which is in the store, too."""
    try:
        refuse_what_may_not_begin(loaded, day, parts)
        parts.announce(day)
        with parts.open(loaded) as stage:
            _refuse_unmet(stage)
            reason = _series(loaded, day, stage, parts)
        status = _overall(parts.store.runs(day.id), cut_short=bool(reason))
    except NotAllowed as error:
        status, reason = DayStatus.REFUSED, str(error)
    except EnvironmentUnusable as error:
        status, reason = DayStatus.UNUSABLE, str(error)
    except ChaosError as error:
        status, reason = DayStatus.REFUSED, str(error)
    except Exception as error:  # noqa: BLE001 - a day has an end, and the scheduler goes on
        status, reason = DayStatus.UNUSABLE, f"unexpected {type(error).__name__}: {error}"
    now = parts.clock.now()
    parts.store.end(day.id, status, now, reason)
    return replace(parts.store.day(day.id) or day, status=status, reason=reason, ended_at=now)


def refuse_what_may_not_begin(loaded: LoadedGameDay, day: Day, parts: Parts) -> None:
    """Go on only where nothing is against it that can be known before anything is opened.

    Raises:
        NotAllowed: no window is open, it is a blackout date, someone stops it, or an approval is
            missing.
    """
    now = parts.clock.now()
    against = (
        closed_because(loaded.gameday, now),
        parts.stopped(),
        approval.lacking(parts.store, loaded, day, now),
    )
    for reason in filter(None, against):
        raise NotAllowed(reason)


def _refuse_unmet(stage: Stage) -> None:
    unmet = list(stage.unmet())
    if unmet:
        raise NotAllowed(f"a precondition does not hold: {'; '.join(unmet)}")


def _series(loaded: LoadedGameDay, day: Day, stage: Stage, parts: Parts) -> str:
    """One experiment after the other; why not all of them ran, empty where they did."""
    chosen = choose_experiments(loaded, day.id)
    for one in chosen:
        against = parts.stopped() or closed_because(loaded.gameday, parts.clock.now())
        if against:
            return against
        go = parts.facilitator.before(day, one, len(chosen))
        if go is Go.STOP:
            return parts.stopped() or "the facilitator ended it"
        run = _skip(day, one, parts) if go is Go.SKIP else _run(day, one, stage, parts)
        parts.facilitator.after(day, run)
        if _ends_the_day(run.status, loaded.gameday.on_failure):
            why = parts.stopped() or f"{run.title}: {run.status}"
            return why if one is not chosen[-1] else ""
        if one is not chosen[-1]:
            _pause(loaded, one, parts)
    return ""


def _ends_the_day(status: RunStatus, wanted: OnFailure) -> bool:
    """What is still broken ends it in any case."""
    if status in {RunStatus.PASS, RunStatus.SKIPPED}:
        return False
    return wanted is OnFailure.STOP or status is RunStatus.BROKEN


def _run(day: Day, chosen: Chosen, stage: Stage, parts: Parts) -> DayRun:
    run = _row(day, chosen, RunStatus.RUNNING, parts)
    parts.store.keep(run)

    def begun(run_id: str) -> None:
        nonlocal run
        run = replace(run, run_id=run_id)
        parts.store.keep(run)

    try:
        ran = stage.run(chosen, begun)
    except EnvironmentUnusable as error:
        ran = Ran(RunStatus.UNUSABLE, str(error))
    except ChaosError as error:
        ran = Ran(RunStatus.REFUSED, str(error))
    except Exception as error:  # noqa: BLE001 - the day must come to an end that is known
        said = f"unexpected {type(error).__name__}: {error}; see chaos recover"
        ran = Ran(RunStatus.BROKEN, said)
    run_id = ran.run_id or run.run_id
    done = replace(run, status=ran.status, said=ran.said, run_id=run_id, ended_at=parts.clock.now())
    parts.store.keep(done)
    return done


def _skip(day: Day, chosen: Chosen, parts: Parts) -> DayRun:
    run = replace(_row(day, chosen, RunStatus.SKIPPED, parts), ended_at=parts.clock.now())
    parts.store.keep(run)
    return run


def _row(day: Day, chosen: Chosen, status: RunStatus, parts: Parts) -> DayRun:
    return DayRun(
        day=day.id,
        position=chosen.position,
        file=str(chosen.file),
        title=parts.title_of(chosen),
        expect=chosen.use.expect,
        status=status,
        began_at=parts.clock.now(),
    )


def _pause(loaded: LoadedGameDay, chosen: Chosen, parts: Parts) -> None:
    seconds = loaded.gameday.pause if chosen.use.pause is None else chosen.use.pause
    end = parts.clock.now() + seconds
    while (left := end - parts.clock.now()) > 0 and not parts.stopped():
        parts.clock.sleep(min(left, 1.0))


def _overall(runs: Sequence[DayRun], *, cut_short: bool) -> DayStatus:
    seen = {run.status for run in runs}
    for status, overall in _WORST_FIRST.items():
        if status in seen:
            return overall
    return DayStatus.ABORTED if cut_short else DayStatus.PASSED

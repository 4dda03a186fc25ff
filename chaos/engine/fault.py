"""One action of a run, from waiting for its time to being undone."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from chaos.actions.action import CannotRevert, Revertible
from chaos.engine.clock import Clock
from chaos.engine.journal import AnyRecord, Captured, Failed, Journal, Reached, Stage
from chaos.engine.plan import PlannedAction

CONFIRM_WITHIN = 600.0
"""Seconds that AWS may take to show the effect of an injection."""

REVERT_WITHIN = 900.0
"""Seconds that AWS may take to be back as before."""

ASK_EVERY = 0.5
"""Seconds between two looks at AWS."""


class FaultState(StrEnum):
    """Where a fault is in its life."""

    WAITING = "waiting"
    INJECTING = "injecting"
    ACTIVE = "active"
    REVERTING = "reverting"
    DONE = "done"


class InjectionFailed(Exception):
    """The fault could not be injected, or AWS never confirmed it."""


class Fault:
    """Drives one planned action forward, one step at a time, and never waits."""

    def __init__(self, planned: PlannedAction, journal: Journal, clock: Clock) -> None:
        self.planned = planned
        self.state = FaultState.WAITING
        self.still_broken = ""
        """What could not be put back, in one line."""
        self._journal = journal
        self._clock = clock
        self._captured: BaseModel | None = None
        self._deadline = 0.0
        self._ask_at = 0.0
        self._active_until = 0.0
        self._trouble = ""

    @property
    def name(self) -> str:
        """The action's name in the experiment."""
        return self.planned.name

    @property
    def is_open(self) -> bool:
        """Whether something may be changed that is not yet put back."""
        return self.state not in {FaultState.WAITING, FaultState.DONE}

    def inject(self) -> None:
        """Capture, write the state down, and inject.

        Raises:
            InjectionFailed: the calls were refused; some may have had their effect, so it is open.
            OSError: the journal could not be written; nothing was changed.
        """
        planned = self.planned
        try:
            self._captured = planned.action.capture(planned.targets)
        except Exception as error:
            raise InjectionFailed(f"{self.name}: {error}") from error
        self._journal.write(
            Captured(
                at=self._clock.now(),
                name=self.name,
                action=planned.action.id,
                parameters=planned.action.parameters.model_dump(mode="json", by_alias=True),
                targets=planned.target_ids,
                state=self._captured.model_dump(mode="json"),
            )
        )
        self._reached(Stage.INJECT_CALLED)
        self.state = FaultState.INJECTING
        self._deadline = self._clock.now() + CONFIRM_WITHIN
        try:
            planned.action.inject(planned.targets, self._captured)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is a failed injection
            self._fail_injection(str(error), error)

    def step(self) -> None:
        """Go as far as can be gone now.

        Raises:
            InjectionFailed: AWS did not confirm the effect.
        """
        now = self._clock.now()
        if self.state is FaultState.INJECTING and now >= self._ask_at:
            self._ask_at = now + ASK_EVERY
            self._confirm(now)
        if self.state is FaultState.ACTIVE and self._clock.now() >= self._active_until:
            self.begin_revert()
        if self.state is FaultState.REVERTING and now >= self._ask_at:
            self._ask_at = now + ASK_EVERY
            self._revert_once(now)

    def begin_revert(self) -> None:
        """Start putting back what was changed; from here on nothing is raised."""
        if not isinstance(self.planned.action, Revertible):
            self.state = FaultState.DONE
            return
        now = self._clock.now()
        self._note(Reached(at=now, name=self.name, stage=Stage.REVERT_CALLED))
        self.state = FaultState.REVERTING
        self._deadline = now + REVERT_WITHIN
        self._ask_at = now
        self.step()

    def _confirm(self, now: float) -> None:
        try:
            confirmed = self.planned.action.injected(self.planned.targets, self._captured)
        except Exception as error:  # noqa: BLE001 - asked again until the deadline
            self._trouble = f": {error}"
            confirmed = False
        if confirmed:
            self._reached(Stage.INJECT_CONFIRMED)
            self.state = FaultState.ACTIVE
            self._active_until = self._clock.now() + self.planned.duration
        elif now >= self._deadline:
            waited = f"AWS did not confirm it within {CONFIRM_WITHIN:.0f} s{self._trouble}"
            self._fail_injection(waited, None)

    def _fail_injection(self, why: str, error: Exception | None) -> None:
        failed = Failed(at=self._clock.now(), name=self.name, error=why, still_broken=False)
        self._note(failed)
        raise InjectionFailed(f"{self.name}: {why}") from error

    def _revert_once(self, now: float) -> None:
        action = self.planned.action
        assert isinstance(action, Revertible)  # noqa: S101 - `begin_revert` has made sure
        back = False
        try:
            action.revert(self._captured)
        except CannotRevert as error:
            self.still_broken = str(error)
        except Exception as error:  # noqa: BLE001 - tried again until the deadline
            self._trouble = f": {error}"
        try:
            back = action.verify(self._captured)
        except Exception as error:  # noqa: BLE001 - asked again until the deadline
            self._trouble = f": {error}"
        if back:
            self._end_revert()
        elif now >= self._deadline:
            waited = f"AWS is not back as before after {REVERT_WITHIN:.0f} s{self._trouble}"
            self.still_broken = self.still_broken or waited
            self._end_revert()

    def _end_revert(self) -> None:
        self.state = FaultState.DONE
        now = self._clock.now()
        if self.still_broken:
            failed = Failed(at=now, name=self.name, error=self.still_broken, still_broken=True)
            self._note(failed)
        else:
            self._note(Reached(at=now, name=self.name, stage=Stage.REVERT_CONFIRMED))

    def _reached(self, stage: Stage) -> None:
        self._journal.write(Reached(at=self._clock.now(), name=self.name, stage=stage))

    def _note(self, record: AnyRecord) -> None:
        """Write, but let no full disk keep a fault from being undone: the state is on disk."""
        try:
            self._journal.write(record)
        except OSError as error:
            self._trouble = f": the journal could not be written: {error}"

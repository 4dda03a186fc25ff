"""One action of a run, from waiting for its time to being undone."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

from pydantic import BaseModel

from chaos.actions.action import Expiring, Revertible
from chaos.engine.clock import Clock
from chaos.engine.dead_mans_switch import Safeguard
from chaos.engine.journal import Captured, Failed, Journal, Noted, Reached, Stage
from chaos.engine.plan import PlannedAction
from chaos.engine.undo import ASK_EVERY, Undo

CONFIRM_WITHIN = 600.0
"""Seconds that AWS may take to show the effect of an injection."""

EXPIRES_AFTER = 60.0
"""Seconds from the planned end of a fault to the end that AWS itself gives it, where it can."""


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

    def __init__(
        self, planned: PlannedAction, journal: Journal, clock: Clock, safeguard: Safeguard
    ) -> None:
        self.planned = planned
        self.state = FaultState.WAITING
        self._journal = journal
        self._clock = clock
        self._safeguard = safeguard
        self._captured: BaseModel | None = None
        self._undo: Undo | None = None
        self._deadline = 0.0
        self._ask_at = 0.0
        self._active_until = 0.0
        self._trouble = ""

    @property
    def name(self) -> str:
        """The action's name in the experiment."""
        return self.planned.name

    @property
    def still_broken(self) -> str:
        """What could not be put back, in one line."""
        return self._undo.still_broken if self._undo else ""

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
            self._captured = self._capture()
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
        self._arm()
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
        if self._undo is not None:
            self._undo.step()
            if self._undo.over:
                self.state = FaultState.DONE
                self._disarm()

    def begin_revert(self) -> None:
        """Start putting back what was changed; from here on nothing is raised."""
        action = self.planned.action
        if isinstance(action, Revertible) and self._captured is not None:
            confirmed = self.state is FaultState.ACTIVE
            self._undo = Undo(
                self.name, action, self._captured, self._journal, self._clock, confirmed
            )
            self.state = FaultState.REVERTING
            self.step()
        else:
            self.state = FaultState.DONE

    def _capture(self) -> BaseModel:
        action = self.planned.action
        state = action.capture(self.planned.targets)
        if isinstance(action, Expiring):
            ends_at = self._clock.now() + self.planned.duration
            return action.expiring(state, ends_at + EXPIRES_AFTER)
        return state

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
            self._arm()
        elif now >= self._deadline:
            waited = f"AWS did not confirm it within {CONFIRM_WITHIN:.0f} s{self._trouble}"
            self._fail_injection(waited, None)

    def _arm(self) -> None:
        """Have the fault undone after its planned end, should nobody be left to do it.

        Raises:
            InjectionFailed: it could not be armed, so nothing is (or stays) injected.
        """
        action = self.planned.action
        if isinstance(action, Revertible) and self._captured is not None:
            ends_at = self._clock.now() + self.planned.duration
            try:
                self._safeguard.arm(self.name, action, self._captured, ends_at)
            except Exception as error:
                why = f"the dead man's switch could not be armed: {error}"
                raise InjectionFailed(f"{self.name}: {why}") from error

    def _disarm(self) -> None:
        if not self.still_broken:
            try:
                self._safeguard.disarm(self.name)
            except Exception as error:  # noqa: BLE001 - it will find all as it should be
                text = f"{self.name}: its schedules could not be deleted: {error}"
                with suppress(OSError):
                    self._journal.write(Noted(at=self._clock.now(), about="error", text=text))

    def _fail_injection(self, why: str, error: Exception | None) -> None:
        failed = Failed(at=self._clock.now(), name=self.name, error=why, still_broken=False)
        with suppress(OSError):  # the reason reaches the journal's end, or the terminal, as well
            self._journal.write(failed)
        raise InjectionFailed(f"{self.name}: {why}") from error

    def _reached(self, stage: Stage) -> None:
        self._journal.write(Reached(at=self._clock.now(), name=self.name, stage=stage))

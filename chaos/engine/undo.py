"""Putting back what one action changed: tried again until AWS, read back, shows it as it was."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel

from chaos.actions.action import CannotRevert, Revertible
from chaos.engine.clock import Clock
from chaos.engine.journal import AnyRecord, Failed, Journal, Reached, Stage

REVERT_WITHIN = 900.0
"""Seconds that AWS may take to be back as before."""

SETTLE_WITHIN = 120.0
"""Seconds that the rest may take to be back once something is known to be gone for good."""

LATE_EFFECTS = 3.0
"""Seconds in which a call may take effect that AWS has taken but does not show yet: its APIs are
eventually consistent (Amazon EC2 Developer Guide, "Ensure consistency for eventual consistency").
"""

ASK_EVERY = 0.5
"""Seconds between two looks at AWS."""


@dataclass
class Undo:
    """The undo of one action; `step` is called again and again, never waits and never raises."""

    name: str
    """The action's name in the experiment."""
    action: Revertible
    state: BaseModel
    journal: Journal
    clock: Clock
    confirmed: bool
    """Whether AWS has shown the effect of the injection. Else some may be yet to come, and all must
    stay as before for a while before that counts."""
    still_broken: str = ""
    """What could not be put back, in one line."""
    over: bool = False
    _trouble: str = ""
    _ask_at: float = field(init=False)
    _deadline: float = field(init=False)
    _back_since: float | None = None

    def __post_init__(self) -> None:
        now = self.clock.now()
        self._ask_at = now
        self._deadline = now + REVERT_WITHIN
        self._note(Reached(at=now, name=self.name, stage=Stage.REVERT_CALLED))

    def step(self) -> None:
        """Do what can be done now, and see whether that was all."""
        now = self.clock.now()
        if self.over or now < self._ask_at:
            return
        self._ask_at = now + ASK_EVERY
        self._revert()
        if self._is_back() and self._stays_back(now):
            self._end()
        elif now >= self._deadline:
            waited = f"AWS is not back as before after {REVERT_WITHIN:.0f} s{self._trouble}"
            self.still_broken = self.still_broken or waited
            self._end()

    def _revert(self) -> None:
        try:
            self.action.revert(self.state)
        except CannotRevert as error:
            if not self.still_broken:
                self._deadline = min(self._deadline, self.clock.now() + SETTLE_WITHIN)
            self.still_broken = str(error)
        except Exception as error:  # noqa: BLE001 - tried again until the deadline
            self._trouble = f": {error}"

    def _is_back(self) -> bool:
        try:
            is_back = self.action.verify(self.state)
        except Exception as error:  # noqa: BLE001 - asked again until the deadline
            self._trouble = f": {error}"
            return False
        if not is_back:
            self._back_since = None
        return is_back

    def _stays_back(self, now: float) -> bool:
        if self._back_since is None:
            self._back_since = now
        return self.confirmed or now - self._back_since >= LATE_EFFECTS

    def _end(self) -> None:
        self.over = True
        now = self.clock.now()
        if self.still_broken:
            failed = Failed(at=now, name=self.name, error=self.still_broken, still_broken=True)
            self._note(failed)
        else:
            self._note(Reached(at=now, name=self.name, stage=Stage.REVERT_CONFIRMED))

    def _note(self, record: AnyRecord) -> None:
        """Write, but let no full disk keep a fault from being undone: the state is on disk."""
        try:
            self.journal.write(record)
        except OSError as error:
            self._trouble = f": the journal could not be written: {error}"

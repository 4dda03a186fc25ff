"""All faults of a run in time: who starts when, and everything back in reverse order."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.engine.clock import Clock
from chaos.engine.dead_mans_switch import Safeguard
from chaos.engine.fault import Fault, FaultState
from chaos.engine.journal import Journal
from chaos.engine.plan import PlannedAction


class Timeline:
    """Drives the faults of a run; `step` is called again and again."""

    def __init__(
        self,
        planned: Sequence[PlannedAction],
        journal: Journal,
        clock: Clock,
        safeguard: Safeguard,
    ) -> None:
        self.faults = tuple(Fault(action, journal, clock, safeguard) for action in planned)
        self._clock = clock
        self._started_at = 0.0
        self._injected: list[Fault] = []

    def start(self) -> None:
        """The fault phase begins: `at` counts from here."""
        self._started_at = self._clock.now()

    def step(self) -> None:
        """Inject what is due, and drive what is open.

        Raises:
            InjectionFailed: a fault could not be injected.
            OSError: the journal could not be written before an injection.
        """
        for fault in self.faults:
            if fault.state is FaultState.WAITING and self._is_due(fault):
                self._injected.append(fault)
                fault.inject()
            fault.step()

    @property
    def finished(self) -> bool:
        """Whether every fault was injected and is over."""
        return all(fault.state is FaultState.DONE for fault in self.faults)

    def begin_rollback(self) -> None:
        """Start to undo everything that is open, the last injected first."""
        for fault in reversed(self._injected):
            if fault.is_open and fault.state is not FaultState.REVERTING:
                fault.begin_revert()

    def step_rollback(self) -> bool:
        """Drive the undo; whether it is over."""
        opened = [fault for fault in reversed(self._injected) if fault.is_open]
        for fault in opened:
            fault.step()
        return not any(fault.is_open for fault in opened)

    def still_broken(self) -> list[str]:
        """What could not be put back, a line each."""
        return [f"{f.name}: {f.still_broken}" for f in self.faults if f.still_broken]

    def _is_due(self, fault: Fault) -> bool:
        done = {other.name for other in self.faults if other.state is FaultState.DONE}
        on_time = self._clock.now() - self._started_at >= fault.planned.at
        return on_time and set(fault.planned.after) <= done

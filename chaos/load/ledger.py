"""Closes the accounts of the open model: what was planned against what was recorded."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from chaos.load.arrivals import Plan
from chaos.measure.recording import Recording


@dataclass(slots=True)
class Ledger:
    """Knows from the plan alone how many arrivals were due, whatever Locust reports."""

    plan: Plan
    timeout: float
    """Seconds that an arrival waits at most."""
    _accounted: Counter[int] = field(default_factory=Counter, init=False)

    def note(self, recording: Recording) -> None:
        """Take note of arrivals that have an outcome."""
        self._accounted.update(recording.arrivals)

    def close(self, end: float) -> Recording:
        """The arrivals due before `end` that nobody reported, as not sent.

        They were lost with a worker that died, or with a user that was killed.
        """
        missing = Recording()
        first = self.plan.due_before(self.plan.start)
        for second in range(math.floor(self.plan.start), math.ceil(end)):
            until = self.plan.due_before(min(second + 1, end))
            lost = until - first - self._accounted[second]
            for index in range(first, first + lost):
                due_at = self.plan.due_at(index)
                missing.record_unsent(due_at, due_at + self.timeout)
            if lost > 0:
                missing.arrivals[second] += lost
            first = until
        return missing

"""How long until users felt a fault, and until they no longer did, from per-second counts.

All is resolved to one second: requests of a second have no order.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from chaos.measure.run import FaultTimes, Run
from chaos.model.experiment import Sli, Slo
from chaos.slo.parts import SUSTAINED
from chaos.slo.window import Tally, tallied

TOLERATED = 0.01
"""The share of bad requests that a good second may have, unless an SLO of the run allows more."""

CONTROL_LIMIT = 3.0
"""Standard deviations above the tolerated share before a second is bad (Shewhart's p-chart).

So one stray failure among 50 requests is no outage, and one among five is.
"""


@dataclass(frozen=True, slots=True)
class Outage:
    """What users saw of one fault; times in seconds since the epoch."""

    confirmed_at: float
    first_bad: int | None
    """The first bad second; None where no second was bad."""
    last_bad: int | None
    good_again: int | None
    """The first sustained good second; None where there was none, or where none was bad."""
    watched_until: int
    """The end of the last second with requests."""

    @property
    def detected_after(self) -> float | None:
        """Seconds from the confirmed injection; None where no second was bad."""
        return None if self.first_bad is None else self._after(self.first_bad)

    @property
    def recovered_after(self) -> float | None:
        """Seconds from the confirmed injection; None where it was still bad at the end."""
        if self.last_bad is None:
            return 0.0
        return None if self.good_again is None else self._after(self.good_again)

    @property
    def bounds(self) -> tuple[float, float]:
        """The true recovery lies between: from the last bad second to the end of the good one.

        Where no second was bad the outage was shorter than a second. Where it was still bad at
        the end, nothing bounds it from above.
        """
        if self.last_bad is None:
            return 0.0, 1.0
        last = math.inf if self.good_again is None else self._after(self.good_again + 1)
        return self._after(self.last_bad), last

    @property
    def watched(self) -> float:
        """Seconds from the confirmed injection to the end of the load."""
        return self._after(self.watched_until)

    def _after(self, second: int) -> float:
        """A bad second may have begun before the injection was confirmed: never below zero."""
        return max(0.0, second - self.confirmed_at)


def detected_after(fault: FaultTimes, run: Run, tolerated: float = TOLERATED) -> float | None:
    """Seconds from the confirmed injection to the start of the first bad second.

    A second counts from the one in which the injection was called, so 0.0 says that users felt the
    fault before AWS confirmed it, or within that second. None where no second was bad, and where
    the injection was never confirmed.
    """
    outage = outage_of(fault, run, tolerated)
    return outage.detected_after if outage else None


def recovered_after(fault: FaultTimes, run: Run, tolerated: float = TOLERATED) -> float | None:
    """Seconds from the confirmed injection to the start of the first sustained good second.

    0.0 where no second was bad; None where the last one still was, where no load watched the fault,
    and where the injection was never confirmed.
    """
    outage = outage_of(fault, run, tolerated)
    return outage.recovered_after if outage else None


def outage_of(
    fault: FaultTimes, run: Run, tolerated: float = TOLERATED, endpoints: Collection[str] = ()
) -> Outage | None:
    """What users saw of the fault; None where it was never in place, or nobody was there to see.

    Args:
        fault: which one.
        run: of which it is.
        tolerated: the share of bad requests, in 0..1, that a good second may have.
        endpoints: look at requests to these only; empty for all.
    """
    called_at, confirmed_at = fault.inject_called_at, fault.inject_confirmed_at
    if called_at is None or confirmed_at is None:
        return None
    watched = _watched(run, math.floor(called_at), endpoints)
    if not watched:
        return None
    seen = _until_the_next_fault(watched, _later_faults(called_at, run), tolerated)
    bad = [tally.second for tally in seen if is_bad(tally, tolerated)]
    if not bad:
        return Outage(confirmed_at, None, None, None, watched[-1].second + 1)
    good_again = next((tally.second for tally in seen if tally.second > bad[-1]), None)
    return Outage(confirmed_at, bad[0], bad[-1], good_again, watched[-1].second + 1)


def is_bad(second: Tally, tolerated: float) -> bool:
    """Whether more requests of this second were bad than chance makes of the tolerated share."""
    expected = tolerated * second.requests
    return second.hits > expected + CONTROL_LIMIT * math.sqrt(expected * (1 - tolerated))


def tolerated_by(slos: Iterable[Slo]) -> float:
    """The share of bad requests that these SLOs let a good second have.

    That of the strictest availability or error rate among them, yet never below `TOLERATED`.
    """
    allowed = [
        1 - slo.objective.bound if slo.sli is Sli.AVAILABILITY else slo.objective.bound
        for slo in slos
        if slo.sli in {Sli.AVAILABILITY, Sli.ERROR_RATE}
    ]
    return max(TOLERATED, min(allowed, default=TOLERATED))


def _watched(run: Run, start: int, endpoints: Collection[str]) -> tuple[Tally, ...]:
    """Requests and bad requests by second, from `start` to the end of the last phase."""
    end = max((span.ended_at for span in run.phases), default=math.inf)
    pieces = sorted(
        (key.second, piece.planned, piece.bad)
        for key, piece in run.load.slices.items()
        if start <= key.second < end and (not endpoints or key.endpoint in endpoints)
    )
    return tallied(pieces)


def _later_faults(called_at: float, run: Run) -> list[int]:
    """The seconds in which later injections were called, in order."""
    calls = (fault.inject_called_at for fault in run.faults)
    return sorted(math.floor(at) for at in calls if at is not None and at > called_at)


def _until_the_next_fault(
    watched: Sequence[Tally], later: Iterable[int], tolerated: float
) -> Sequence[Tally]:
    """The seconds whose trouble is this fault's.

    What is bad after the next injection is the next fault's, if the system was good again before;
    otherwise one outage belongs to both.
    """
    for call in later:
        before = [tally for tally in watched if tally.second < call]
        calm = takewhile(lambda tally: not is_bad(tally, tolerated), reversed(before))
        if len(list(calm)) >= SUSTAINED:
            return before
    return watched

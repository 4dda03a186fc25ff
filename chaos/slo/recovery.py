"""How long until a fault was felt, and until it no longer was."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from chaos.measure.run import FaultTimes, Run
from chaos.slo.intervals import Interval
from chaos.slo.parts import SUSTAINED
from chaos.slo.watch import Moment, Watch


@dataclass(frozen=True, slots=True)
class Effect:
    """What a source saw of one fault; times in seconds since the epoch."""

    confirmed_at: float
    before_bad: float | None
    """The moment before the first bad one; None where there was none."""
    first_bad: float | None
    """The first bad moment; None where no moment was bad."""
    last_bad: float | None
    good_again: float | None
    """The first sustained good moment; None where there was none, or where none was bad."""
    watched_until: float
    every: float
    width: float
    """Of the source's moments, in seconds; see `Watch`."""

    @property
    def detected_after(self) -> float | None:
        """Seconds from the confirmed injection; None where no moment was bad."""
        return None if self.first_bad is None else self._after(self.first_bad)

    @property
    def detection_bounds(self) -> Interval:
        """The true detection lies between: within the bad second, or since the sample before."""
        if self.first_bad is None:
            return self.watched, math.inf
        begin = self.first_bad if self.width or self.before_bad is None else self.before_bad
        return self._after(begin), self._after(self.first_bad + self.width)

    @property
    def recovered_after(self) -> float | None:
        """Seconds from the confirmed injection; None where it was still bad at the end."""
        if self.last_bad is None:
            return 0.0
        return None if self.good_again is None else self._after(self.good_again)

    @property
    def recovery_bounds(self) -> Interval:
        """The true recovery lies between: from the last bad moment to the end of the good one.

        Where no moment was bad the outage was shorter than the time between two. Where it was
        still bad at the end, nothing bounds it from above.
        """
        if self.last_bad is None:
            return 0.0, self.every
        last = math.inf if self.good_again is None else self._after(self.good_again + self.width)
        return self._after(self.last_bad), last

    @property
    def watched(self) -> float:
        """Seconds from the confirmed injection to the end of what was watched."""
        return self._after(self.watched_until)

    def _after(self, moment: float) -> float:
        """A bad moment may have begun before the injection was confirmed: never below zero."""
        return max(0.0, moment - self.confirmed_at)


def effect_of(fault: FaultTimes, run: Run, watch: Watch) -> Effect | None:
    """What `watch` saw of the fault; None where it was never in place, or nobody was there to see.

    The moments from the call of the injection on count, for a fault may take hold before AWS
    confirms it.
    """
    called_at, confirmed_at = fault.inject_called_at, fault.inject_confirmed_at
    if called_at is None or confirmed_at is None:
        return None
    watched = [m for m in watch.moments if not _is_over(m, called_at, watch.width)]
    if not watched:
        return None
    seen = _until_the_next_fault(watched, _later_calls(called_at, run), watch.width)
    bad = [moment.at for moment in seen if not moment.good]
    first, last = (bad[0], bad[-1]) if bad else (None, None)
    before = [m.at for m in watch.moments if first is not None and m.at < first]
    after = (m.at for m in seen if last is not None and m.at > last)
    return Effect(
        confirmed_at=confirmed_at,
        before_bad=before[-1] if before else None,
        first_bad=first,
        last_bad=last,
        good_again=next(after, None),
        watched_until=watch.ends_at,
        every=watch.every,
        width=watch.width,
    )


def effects_of(run: Run, watch: Watch) -> list[Effect]:
    """Of each fault of the run that had one to be seen."""
    seen = (effect_of(fault, run, watch) for fault in run.faults)
    return [effect for effect in seen if effect]


def _is_over(moment: Moment, at: float, width: float) -> bool:
    return moment.at + width <= at


def _later_calls(called_at: float, run: Run) -> list[float]:
    """When later injections were called, in order."""
    calls = (fault.inject_called_at for fault in run.faults)
    return sorted(at for at in calls if at is not None and at > called_at)


def _until_the_next_fault(
    watched: Sequence[Moment], later: Iterable[float], width: float
) -> Sequence[Moment]:
    """The moments whose trouble is this fault's.

    What is bad after the next injection is the next fault's, if the system was good again before;
    otherwise one outage belongs to both.
    """
    for call in later:
        before = [moment for moment in watched if _is_over(moment, call, width)]
        calm = takewhile(lambda moment: moment.good, reversed(before))
        if len(list(calm)) >= SUSTAINED:
            return before
    return watched

"""Which seconds are as they are by the experiment's design, and which by chance.

A fault is no chance: every repeat of the experiment has its dip once, at the same place. Resampling
seconds as if they were all alike would draw the dip never or three times, and call every short dip
in a long window undecided. So a window is cut into parts, and each second is compared with the
others of its own part: the phases, and within them the stretch in which a fault was felt.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import takewhile

from chaos.measure.run import FaultTimes, PhaseName
from chaos.slo.window import Tally

FELT_WITHIN = 3.0
"""Seconds after a fault was put in place, or taken away, in which a dip counts as its effect.

One that begins later counts as chance, which can only widen the interval.
"""

SUSTAINED = 3
"""Good seconds in a row, counting those with data, that end a dip."""


def parts_of(
    tallies: Sequence[Tally], phases: Mapping[int, PhaseName], faults: Sequence[FaultTimes]
) -> list[Hashable]:
    """The part that each tally belongs to: its phase, or the step of a fault that it felt."""
    parts: list[Hashable] = [phases[tally.second] for tally in tallies]
    for step in _steps(faults):
        felt = _felt(tallies, *step)
        parts[felt.start : felt.stop] = [step] * len(felt)
    return parts


def _steps(faults: Sequence[FaultTimes]) -> Iterator[tuple[float, float]]:
    """When something was done to the system: called and confirmed, for injections and undos."""
    for fault in faults:
        for called, confirmed in (
            (fault.inject_called_at, fault.inject_confirmed_at),
            (fault.revert_called_at, fault.revert_confirmed_at),
        ):
            if called is not None:
                yield called, called if confirmed is None else confirmed


def _felt(tallies: Sequence[Tally], called_at: float, confirmed_at: float) -> range:
    """The indices of the dip that this step caused; empty where there is none.

    A dip begins with a second worse than the window's average and ends where `SUSTAINED` seconds
    in a row are not.
    """
    average = sum(tally.hits for tally in tallies) / sum(tally.requests for tally in tallies)
    worse = [tally.share > average for tally in tallies]
    near = (
        index
        for index, tally in enumerate(tallies)
        if worse[index] and math.floor(called_at) <= tally.second <= confirmed_at + FELT_WITHIN
    )
    start = next(near, None)
    if start is None:
        return range(0)
    ends = takewhile(lambda end: any(worse[end : end + SUSTAINED]), range(start, len(tallies)))
    return range(start, max(ends) + 1)

"""Builders of small runs to judge: a timeline is drawn as text, or given as counts per second."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from chaos.measure.histogram import Histogram
from chaos.measure.recording import Recording, Slice, SliceKey
from chaos.measure.run import Ending, FaultTimes, PhaseName, PhaseSpan, Run
from chaos.measure.samples import Sample, SampleSeries

START = 1_800_000_000
"""The first second of every run made here."""

ENDPOINT = "GET /products"

SECONDS = {
    ".": (100, 0),
    "~": (49, 1),
    "x": (50, 50),
    "_": (0, 0),
}
"""(ok, failed) of the second that a character of a drawn timeline stands for; `~` is a stray."""


def drawn(timeline: str, *faults: FaultTimes) -> Run:
    """A run of one second per character, all of it in the fault phase."""
    return counted([SECONDS[character] for character in timeline], *faults)


def counted(
    seconds: Sequence[tuple[int, int]], *faults: FaultTimes, phases: Sequence[PhaseSpan] = ()
) -> Run:
    """A run with (ok, failed) requests in each second; by default all of it is one phase.

    That phase is the fault phase where there are faults, else the baseline.
    """
    load = Recording()
    for at, (ok, failed) in enumerate(seconds):
        if ok or failed:
            load.slices[SliceKey(START + at, ENDPOINT)] = Slice(ok, failed)
    name = PhaseName.FAULT if faults else PhaseName.BASELINE
    return run_of(load, faults, phases or (phase(name, 0, len(seconds)),))


def run_of(load: Recording, faults: Sequence[FaultTimes], phases: Sequence[PhaseSpan]) -> Run:
    """A completed run."""
    return Run(
        run_id="run",
        title="A run",
        description="",
        environment="lab",
        started_at=START,
        ended_at=max((span.ended_at for span in phases), default=START),
        ending=Ending.COMPLETED,
        phases=tuple(phases),
        faults=tuple(faults),
        load=load,
        had_load=True,
    )


def phase(name: PhaseName, starts: float, ends: float) -> PhaseSpan:
    """A phase by its offsets from the start, in seconds."""
    return PhaseSpan(name, START + starts, START + ends)


def fault(called: float, confirmed: float, name: str = "stop") -> FaultTimes:
    """A fault by the offsets of its injection from the start, in seconds."""
    return FaultTimes(
        name,
        "aws:ec2:stop-instances",
        ("i-1",),
        inject_called_at=START + called,
        inject_confirmed_at=START + confirmed,
    )


def probed(good: Sequence[bool], every: float = 0.1, begins: float = 0.0) -> SampleSeries:
    """The samples of a probe, by whether each was good."""
    times = (START + begins + number * every for number in range(len(good)))
    taken = (Sample(at, 0.003, fine) for at, fine in zip(times, good, strict=True))
    return SampleSeries("front-door", every, tuple(taken))


def probed_through(outages: Sequence[tuple[float, float]], seconds: float) -> SampleSeries:
    """A probe every 100 ms of a system that is down between these offsets."""
    offsets = [number / 10 for number in range(round(seconds * 10))]
    return probed([not any(a <= at < b for a, b in outages) for at in offsets])


def loaded_through(outage: tuple[float, float], seconds: int, share: float = 1.0) -> Recording:
    """100 requests a second, of which such a share fails while the system is down."""
    load = Recording()
    starts, ends = outage
    for at in range(seconds):
        down = max(0.0, min(ends, at + 1) - max(starts, at))
        failed = round(100 * down * share)
        load.slices[SliceKey(START + at, ENDPOINT)] = Slice(100 - failed, failed)
    return load


def bursts(
    dice: random.Random, seconds: int, share: float, lasting: int, depth: float
) -> list[int]:
    """Failed requests of each second, of 100, where failures come in bursts.

    In the long run exactly `share` of the requests fail: bursts of `lasting` seconds begin at
    random, and in them a request fails with probability `depth`.
    """
    begins = 1 - (1 - share / depth) ** (1 / lasting)
    starts = [dice.random() < begins for _ in range(seconds + lasting)]
    return [
        draw(dice, 100, depth) if any(starts[at : at + lasting]) else 0 for at in range(seconds)
    ]


def draw(dice: random.Random, tosses: int, chance: float) -> int:
    """How many of so many tosses come up, each with that chance."""
    return sum(dice.random() < chance for _ in range(tosses))


def exponential(dice: random.Random, samples: int, mean: float) -> Histogram:
    """Durations with a known distribution: the quantile of q is `-mean * ln(1 - q)`."""
    durations = Histogram()
    for _ in range(samples):
        durations.record(-mean * math.log(1 - dice.random()))
    return durations

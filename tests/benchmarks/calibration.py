"""Measured against true: `chaos run` against a server whose troubles are known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chaos.measure.run import FaultTimes
from chaos.slo.recovery import effect_of
from chaos.slo.watch import watch_load, watch_probe
from tests.calibration import Case, Measured, measure
from tests.known_server import Trouble, running

STALL = (Trouble(5.0, 5.0, stalls=True),)
OUTAGES = tuple(Trouble(*one) for one in ((3.35, 0.3), (8.15, 1.0), (13.7, 5.0), (23.45, 20.0)))

CASES = (
    Case("a stall of 5 s in 15 s, 200/s", 15, troubles=STALL),
    Case("a stall of 5 s in 15 s, 300/s", 15, rate=300, troubles=STALL),
    Case("a stall of 5 s in 15 s, 200/s, 2 processes", 15, processes=2, troubles=STALL),
    Case("latency of known distribution, Poisson arrivals, 200/s", 15, path="/spread",
         arrivals="poisson"),
    Case("outages of 0.3, 1, 5 and 20 s, 100/s", 48, rate=100, troubles=OUTAGES),
)  # fmt: skip

PROBE_WITHIN, LOAD_WITHIN = 0.1, 1.0
"""Seconds by which the start and the length of an outage may be wrong."""

WAITS_WITHIN = 0.02
"""The share by which a percentile may be wrong."""

AVAILABILITY_WITHIN = 0.1
"""Percentage points."""


@dataclass(frozen=True)
class Row:
    """One number of the table."""

    name: str
    true: float
    measured: float
    goal: float
    """By how much the two may differ, in the row's unit; for `%` as a share of the true one."""
    unit: str

    def __str__(self) -> str:
        off = self.measured - self.true
        missed = abs(off) > (self.goal * self.true if self.unit == "%" else self.goal)
        said = f"{off / self.true:+.2%}" if self.unit == "%" else f"{off:+.3f} {self.unit}"
        goal = f"{self.goal:.0%}" if self.unit == "%" else f"{self.goal:g} {self.unit}"
        mark = "  MISSED" if missed else ""
        return f"  {self.name:<34} {self.true:9.3f} {self.measured:9.3f}  {said:>11} ({goal}){mark}"


def load_rows(measured: Measured) -> Iterator[Row]:
    """Arrivals, availability and percentiles."""
    total, truth = measured.total, measured.truth
    if measured.case.arrivals == "even":
        yield Row("planned arrivals", truth.planned, total.planned, 0, "arrivals")
    availability = (total.availability or 0) * 100
    yield Row("availability", truth.availability * 100, availability, AVAILABILITY_WITHIN, "pp")
    for q in (0.5, 0.95, 0.99, 0.999):
        true = truth.quantile(q)
        if true > 0:
            measured_q = total.response.quantile(q) or 0.0
            yield Row(f"p{q * 100:g}, s", true, measured_q, WAITS_WITHIN, "%")


def outage_rows(measured: Measured) -> Iterator[Row]:
    """Start and length of each outage, by the probe and by the load, and the recovery time."""
    sources = (
        ("probe", measured.probed(), PROBE_WITHIN),
        ("load", measured.loaded(), LOAD_WITHIN),
    )
    for source, outages, within in sources:
        if len(outages) != len(OUTAGES):
            yield Row(f"{source}: outages", len(OUTAGES), len(outages), 0, "outages")
            continue
        for trouble, outage in zip(OUTAGES, outages, strict=True):
            start = outage.start.at - measured.began_at
            yield Row(
                f"{source}: start of {trouble.seconds:g} s", trouble.start, start, within, "s"
            )
            yield Row(f"{source}: its length", trouble.seconds, outage.seconds, within, "s")
    yield from recovery_rows(measured)


def recovery_rows(measured: Measured) -> Iterator[Row]:
    """Time to recover from the last outage, had a fault that began with it been its cause."""
    trouble, run = OUTAGES[-1], measured.run
    at = measured.began_at + trouble.start
    fault = FaultTimes("f", "a", inject_called_at=at, inject_confirmed_at=at)
    for watch, within in ((watch_probe(run.probes[0], run), PROBE_WITHIN), (watch_load(run), 1.0)):
        effect = effect_of(fault, run, watch)
        took = effect.recovered_after if effect else None
        yield Row(f"{watch.source}: time to recover", trouble.seconds, took or 0.0, within, "s")


def main() -> None:
    """Print the table."""
    print(f"  {'':<34} {'true':>9} {'measured':>9}  {'off':>11} (goal)")
    with running() as server:
        for case in CASES:
            print(case.name, flush=True)
            with tempfile.TemporaryDirectory() as directory:
                measured = measure(case, server, Path(directory))
            for row in load_rows(measured):
                print(row)
            if case.troubles is OUTAGES:
                print("\n".join(map(str, outage_rows(measured))))


if __name__ == "__main__":
    main()

"""Measures a server of known behaviour through `chaos run`, and says what is true beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.engine.stored_run import read_run
from chaos.measure.recording import Slice
from chaos.measure.run import Run
from chaos.slo.outages import Outage, outages_of
from chaos.slo.watch import watch_load, watch_probe
from tests.chaos_command import Chaos
from tests.known_server import KnownServer, Trouble

LOCUST_FILE = """
from locust import FastHttpUser, constant_throughput, task


class Visitor(FastHttpUser):
    wait_time = constant_throughput(10)

    @task
    def visit(self):
        self.client.get("{path}")
"""

EXPERIMENT = """
title: What is measured is what is true
load: {{locustfile: load.py, rate: {rate}/s, arrivals: {arrivals}, processes: {processes}}}
phases: {{baseline: {seconds}s}}
probes:
  health: {{http: "${{host}}/health", every: 100ms, within: 5s}}
"""


@dataclass(frozen=True)
class Case:
    """A load, and what the server does to it."""

    name: str
    seconds: int
    rate: int = 200
    path: str = "/ok"
    arrivals: str = "even"
    processes: int = 1
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True)
class Truth:
    """What a perfect instrument would have measured."""

    planned: int
    availability: float
    waits: Sequence[float]
    """Seconds that those waited who were answered well, in order."""

    def quantile(self, q: float) -> float:
        """As a histogram means it: the smallest that a share `q` does not exceed."""
        return self.waits[math.ceil(q * len(self.waits)) - 1]


@dataclass(frozen=True)
class Measured:
    """A run, and the truth about it."""

    case: Case
    run: Run
    truth: Truth
    began_at: int

    @property
    def total(self) -> Slice:
        """All requests that were due in the case's time; the load ends a moment after it."""
        return self.run.load.between(self.began_at, self.ended_at)

    @property
    def ended_at(self) -> int:
        """Seconds since the epoch."""
        return self.began_at + self.case.seconds

    def probed(self) -> list[Outage]:
        """The outages that the probe saw."""
        return list(outages_of(watch_probe(self.run.probes[0], self.run)))

    def loaded(self) -> list[Outage]:
        """The outages that the load saw."""
        return list(outages_of(watch_load(self.run)))


def measure(case: Case, server: KnownServer, directory: Path) -> Measured:
    """Run it; takes as long as it says, and some seconds to start."""
    chaos = Chaos(directory)
    (directory / "load.py").write_text(LOCUST_FILE.format(path=case.path))
    experiment = directory / "experiment.yaml"
    experiment.write_text(EXPERIMENT.format(**vars(case)))
    server.play(*case.troubles)
    ran = chaos("run", experiment, "--host", server.url, within=case.seconds + 60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert server.began_at is not None
    run = read_run(chaos.run_directory()).run
    came = run.load.between(server.began_at, server.began_at + case.seconds).planned
    return Measured(case, run, truth_of(case, server.delays[:came]), server.began_at)


def truth_of(case: Case, drawn: list[float]) -> Truth:
    """From the plan and the troubles alone; from the server's own delays where it drew some."""
    waits = sorted(drawn or _waits(case))
    planned = case.rate * case.seconds
    return Truth(planned, 1.0 if drawn else len(waits) / planned, waits)


def _waits(case: Case) -> Iterator[float]:
    """How long each arrival waits that is answered well; an answer itself takes no time."""
    for number in range(case.rate * case.seconds):
        due = number / case.rate
        trouble = next((one for one in case.troubles if one.covers(due)), None)
        if trouble is None:
            yield 0.0
        elif trouble.stalls:
            yield trouble.start + trouble.seconds - due

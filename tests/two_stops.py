"""Two stops that overlap, in a simulated world, and what is left of them after a crash."""

from __future__ import annotations

from chaos.engine.journal import FileJournal
from chaos.engine.recovery import StillBroken, read_unfinished, recover
from tests.simulation import Simulation

TWO = """
title: Two overlapping stops
phases: {baseline: 2s, recovery: 2s}
targets:
  a: {type: aws:ec2:instance, ids: [i-0, i-1]}
  b: {type: aws:ec2:instance, ids: [i-2]}
actions:
  first: {action: aws:ec2:stop-instances, targets: a, duration: 6s}
  second: {action: aws:ec2:stop-instances, targets: b, at: 2s, duration: 6s}
"""
LOAD = "load: {locustfile: load.py, rate: 10/s}\n"
HIT = {"first": {"i-0", "i-1"}, "second": {"i-2"}}


def all_running(simulation: Simulation) -> bool:
    """Whether the fleet is as it was."""
    return set(simulation.ec2.states.values()) == {"running"}


def states_of(simulation: Simulation, instances: set[str]) -> set[str]:
    """Of these instances."""
    return {simulation.ec2.states[name] for name in instances}


def recovered(simulation: Simulation) -> list[StillBroken]:
    """What `chaos recover` does, in the simulated world."""
    unfinished = read_unfinished(simulation.directory)
    if unfinished is None:
        return []
    journal = FileJournal(simulation.directory)
    return recover(unfinished.open_faults, simulation.ec2, journal, simulation.clock)

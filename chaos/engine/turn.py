"""Waiting for one's turn, where another run is going on in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from chaos.engine.clock import Clock
from chaos.engine.lock import Lock, Note
from chaos.engine.observer import Observer
from chaos.engine.runner import Interruption
from chaos.measure.run import Event
from chaos.model.problems import EnvironmentTaken

LOOK_EVERY = 0.2
"""Seconds between two attempts."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and who is told."""

    seconds: float
    clock: Clock
    interruption: Interruption
    """Ends the waiting."""
    observer: Observer
    """Is told whose end is waited for."""


@contextmanager
def in_turn(lock: Lock, holder: Note, patience: Patience) -> Iterator[None]:
    """Have the lock for as long as this lasts, as soon as no other run has it.

    Raises:
        EnvironmentTaken: the others were not done in time.
        Refused: the kill switch is on.
    """
    with ExitStack() as held:
        _await(held, lock, holder, patience)
        yield


def _await(held: ExitStack, lock: Lock, holder: Note, patience: Patience) -> None:
    deadline = patience.clock.now() + patience.seconds
    told = ""
    while True:
        try:
            held.enter_context(lock.held(holder))
        except EnvironmentTaken as taken:
            now = patience.clock.now()
            if now >= deadline or patience.interruption.reason:
                raise
            if str(taken) != told:
                told = str(taken)
                patience.observer.event(Event(now, "wait", told))
        else:
            return
        patience.clock.sleep(LOOK_EVERY)

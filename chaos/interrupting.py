"""Letting signals end a run in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from chaos.api import Controls

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def interruptible(controls: Controls) -> Iterator[None]:
    """Let Ctrl-C and a polite kill end the run in order; asking twice does not end it faster."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        controls.interrupt(f"interrupted by {signal.Signals(number).name}")

    with handled_by(interrupt):
        yield


@contextmanager
def unwinding() -> Iterator[None]:
    """Let a polite kill raise KeyboardInterrupt, as Ctrl-C does: what is open is put back then."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    with handled_by(unwind):
        yield


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Let Ctrl-C, a polite kill and a closed terminal call this.

    Only the main thread gets signals; in another this changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)

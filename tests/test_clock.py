"""The machine's clock."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from chaos.engine.clock import SystemClock
from chaos.gameday.wall_clock import WallClock

WOKEN_ALL_THE_TIME = """
import signal
from {module} import {name}

clock = {name}()
until = clock.now() + 0.5
signal.signal(signal.SIGALRM, lambda *_: clock.wake())
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0003)
while clock.now() < until:
    clock.sleep(0.0005)
signal.setitimer(signal.ITIMER_REAL, 0)
print("awake")
"""


@pytest.mark.parametrize("kind", [SystemClock, WallClock])
def test_a_signal_at_any_moment_of_a_sleep_wakes_and_never_hangs(kind: type[SystemClock]) -> None:
    """Its handler runs in the very thread that sleeps, whatever that is about to do."""
    program = WOKEN_ALL_THE_TIME.format(module=kind.__module__, name=kind.__name__)
    words = [sys.executable, "-c", program]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert ran.stdout == "awake\n", ran.stderr[-2000:]


def test_a_clock_that_was_woken_does_not_sleep() -> None:
    """Once; the next sleep takes its time."""
    clock = SystemClock()
    clock.wake()
    began = time.monotonic()
    clock.sleep(5)
    assert time.monotonic() - began < 4
    clock.sleep(0.05)
    assert time.monotonic() - began >= 0.05

"""A scheduler that is killed over and over: `python -m tests.gameday_kills DIRECTORY SEED`.

It is forked, so that fifty of them cost no fifty starts of Python; its clock jumps from one thing
to do to the next; and it gets SIGKILL at a random moment of its work.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

from chaos.gameday.day import Day, DayStatus
from chaos.gameday.scheduler import Scheduler, Work
from chaos.gameday.store import FILE_NAME, Store
from chaos.model.gameday_loading import LoadedGameDay
from tests.gameday_parts import gameday, loaded

KILLS = 50
START = 1_774_700_000.0
"""The day before clocks change in Berlin."""
LONGEST = 0.16
"""Seconds of ours, after it has begun to serve, before a kill."""
RUN = 0.02
"""Seconds of ours that a day takes."""
DOWN = 3000.0
"""Seconds, at most, that pass while none is up."""


class SharedClock:
    """A clock that jumps, the same for all of the processes."""

    def __init__(self, start: float) -> None:
        self._memory = mmap.mmap(-1, 8)
        self._memory[:] = struct.pack("d", start)

    def now(self) -> float:
        return float(struct.unpack("d", self._memory[:])[0])

    def sleep(self, seconds: float) -> None:
        self._memory[:] = struct.pack("d", self.now() + max(seconds, 0.001))


def game_days(directory: Path) -> list[LoadedGameDay]:
    """One that skips what it missed, one that catches up, both often."""
    often = {"cron": "*/20 * * * *", "late": "10m"}
    same = {"timezone": "Europe/Berlin", "notifications": {"ahead": "0s"}}
    skips = gameday(schedule={**often, "missed": "skip"}, **same)
    catches_up = gameday(schedule={**often, "missed": "run"}, **same)
    return [loaded(directory, skips, "skips"), loaded(directory, catches_up, "catches-up")]


def serve(directory: Path, clock: SharedClock, begun: int) -> None:
    """Serve until killed; what really ran is written beside the store."""
    log = os.open(directory / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    store = Store(directory / FILE_NAME)

    def run(_: LoadedGameDay, day: Day) -> None:
        os.write(log, f"begin {day.id}\n".encode())
        os.write(begun, b".")
        time.sleep(RUN)
        os.write(log, f"end {day.id}\n".encode())
        store.end(day.id, DayStatus.PASSED, clock.now())

    days = game_days(directory)
    work = Work(
        gamedays=lambda: days,
        begin=store.begin,
        run=run,
        announce=lambda *_: None,
        closed=lambda *_: None,
        is_alive=lambda _: False,
        recover=lambda: None,
    )
    os.write(begun, b".")
    Scheduler(store, clock, work, look_every=600).serve(stopping=lambda: False)


def main(directory: Path, seed: int) -> None:
    """Start it, kill it, start it again; at the end, do what the next one would do first."""
    dice = random.Random(seed)
    clock = SharedClock(START)
    for number in range(KILLS):
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            serve(directory, clock, writes)
        if number % 5:  # every fifth is killed while it starts
            os.read(reads, 1)
        if number % 5 == 1:  # and every fifth while it runs a day
            os.read(reads, 1)
        time.sleep(dice.uniform(0, RUN if number % 5 == 1 else LONGEST))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reads)
        os.close(writes)
        clock.sleep(dice.uniform(0, DOWN))
    names = [one.name for one in game_days(directory)]
    Store(directory / FILE_NAME).interrupt(clock.now(), lambda _: False, names)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

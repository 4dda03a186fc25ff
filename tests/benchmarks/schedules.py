"""Simulated runs in which everything goes wrong, as many as wanted, on all cores.

`python -m tests.benchmarks.schedules 1000000` runs a million; a second number is the first seed, so
that many can be run in parts.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.crash_schedules import survives

SCHEDULES = 2_000
IN_A_BATCH = 500
MEMORY = Path("/dev/shm")  # noqa: S108 - a million runs need not reach a disk


def failures(first: int) -> list[str]:
    """What fails of one batch of seeds."""
    failed = []
    for seed in range(first, first + IN_A_BATCH):
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
            try:
                survives(random.Random(seed), Path(name))
            except Exception as error:  # noqa: BLE001 - each is told
                failed.append(f"{seed}: {type(error).__name__}: {error}")
    return failed


def main(schedules: int = SCHEDULES, first: int = 0) -> None:
    """Print the count and what failed."""
    began = time.monotonic()
    batches = range(first, first + schedules, IN_A_BATCH)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [line for batch in pool.map(failures, batches) for line in batch]
    took = time.monotonic() - began
    print(f"{schedules:,} schedules, {len(found)} left something broken; {took:.0f} s")
    print(*found, sep="\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

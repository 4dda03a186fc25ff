"""What a long load takes in the engine's memory: ten million requests in an hour, 20 endpoints."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time

import psutil

from chaos.measure.recording import Recording, SliceKey

GOAL_MB = 150
SECONDS = 3600
ENDPOINTS = 20
PER_SLICE = 10_000_000 // (SECONDS * ENDPOINTS)
PATTERNS = 30
"""Different seconds that are made; they come again and again."""

BEGIN = 1_800_000_000


def a_second(dice: random.Random) -> str:
    """A second of load as Locust reports it: service times spread widely, and queues before."""
    recording = Recording()
    for number in range(ENDPOINTS):
        into = recording.at(0, f"GET /endpoint/{number}")
        into.ok = PER_SLICE
        for _ in range(PER_SLICE):
            took = dice.lognormvariate(-4, 0.8)
            into.service.record(took)
            into.response.record(took + dice.expovariate(1000))
    return json.dumps(recording.to_json())


def grow() -> None:
    """Take in an hour; print the megabytes it has added, and the seconds it took."""
    dice = random.Random(1)
    patterns = [a_second(dice) for _ in range(PATTERNS)]
    before = psutil.Process().memory_info().rss
    whole, began = Recording(), time.process_time()
    for second in range(SECONDS):
        news = Recording.from_json(json.loads(patterns[second % PATTERNS]))
        moved = {SliceKey(BEGIN + second, key.endpoint): piece for key, piece in news}
        whole.merge(Recording(moved))
    took = time.process_time() - began
    assert whole.between(0, float("inf")).planned == SECONDS * ENDPOINTS * PER_SLICE
    print((psutil.Process().memory_info().rss - before) / 1e6, took)


def main() -> None:
    """Print the rows."""
    code = "from tests.benchmarks.memory import grow; grow()"
    megabytes, took = map(float, subprocess.check_output([sys.executable, "-c", code]).split())
    requests = SECONDS * ENDPOINTS * PER_SLICE
    print(f"{requests:,} requests in {SECONDS:,} s, {ENDPOINTS} endpoints")
    print(f"  memory {megabytes:6.0f} MB  (goal <= {GOAL_MB})")
    print(f"  taken in within {took:.1f} s of CPU time, {took / SECONDS * 1e3:.1f} ms a second")


if __name__ == "__main__":
    main()

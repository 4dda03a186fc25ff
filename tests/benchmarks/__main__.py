"""Runs every benchmark, or those that are named: `python -m tests.benchmarks startup lab`.

`signals` and `signals_in_lab`, which take a quarter of an hour and more, run only if named.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import UTC, datetime

BENCHMARKS = (
    "startup",
    "reaction",
    "lab",
    "fabric",
    "schedules",
    "instances",
    "report",
    "coverage",
    "recorder",
    "arrivals",
    "memory",
    "calibration",
)


def main(names: list[str]) -> None:
    """Print where and when, then the rows of each."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(
        f"{now}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    for name in names or BENCHMARKS:
        print(f"\n{name}", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])

"""How long `chaos` takes to answer, as a ratio to an empty Python process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
GOAL = 6.0
CHAOS = [sys.executable, "-m", "chaos"]
EXPERIMENT = str(Path(__file__).parents[2] / "experiments" / "terminate-instance.yaml")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "chaos --help": [*CHAOS, "--help"],
    "chaos validate FILE": [*CHAOS, "validate", EXPERIMENT],
    "import pydantic.BaseModel": [sys.executable, "-c", "from pydantic import BaseModel"],
}


def seconds(command: list[str]) -> float:
    """Of one whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """All commands in turn, so that a slow moment falls on each of them."""
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(ROUNDS)]
    for name in COMMANDS:
        took = statistics.median(times[name] for times in rounds)
        ratio = statistics.median(times[name] / times["python -c pass"] for times in rounds)
        goal = f"  (goal <= {GOAL:g})" if name.startswith("chaos") else ""
        print(f"{name:<28} {took * 1000:6.0f} ms   {ratio:5.1f} x{goal}")

"""How long the lab takes to come up and to go, and what of it takes how long."""

from __future__ import annotations

import statistics
import time

from chaos.lab import handle

ROUNDS = 3
GOAL = 12.0


def main() -> None:
    """Up and down a few times."""
    ups, downs = [], []
    for _ in range(ROUNDS):
        began = time.monotonic()
        lab = handle.start()
        up = time.monotonic()
        handle.stop(lab)
        ups.append(up - began)
        downs.append(time.monotonic() - up)
    print(f"up    {statistics.median(ups):5.2f} s  (goal <= {GOAL:g})")
    print(f"down  {statistics.median(downs):5.2f} s")
    for part, at in lab.start_parts.items():
        print(f"  {part:<20} after {at:5.2f} s")

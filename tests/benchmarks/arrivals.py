"""What the open model sustains on one core against plain Locust, and how punctual it is below."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

from chaos.load.arrivals import EvenArrivals, Plan
from chaos.load.driver import LocustDriver
from chaos.load.settings import LoadSettings
from chaos.model.rate import steady
from tests.benchmarks.recorder import LOCUST_FILE, USERS, Server, compete, pin, print_rates, serving

GOAL = 0.8
GOAL_MS = 10.0
TOO_MUCH = 4000.0
"""Arrivals per second that no core can send in its turns, which are half of the time."""
SHARES = (0.25, 0.5, 0.7, 0.8)
"""Of what is sustained; a machine that others use too may sustain half as much a minute later."""
SECONDS = 8

PUNCH_CLOCK = """
import time
from pathlib import Path

from locust import FastHttpUser, events, task

STARTS = []


class Visitor(FastHttpUser):
    @task
    def visit(self):
        STARTS.append(time.time())
        self.client.get("/ok")


@events.quitting.add_listener
def write(**_):
    Path(__file__).with_suffix(".txt").write_text("\\n".join(map(repr, STARTS)))
"""


NAP = 0.005


def delays(server: Server, directory: Path, rate: float) -> tuple[list[float], list[float]]:
    """Seconds from when each arrival was due until its task began, in order.

    And by how much naps of this process were too long meanwhile: nobody is more punctual than that.
    """
    overslept = []
    file = directory / "punch_clock.py"
    file.write_text(PUNCH_CLOCK)
    driver = LocustDriver(LoadSettings(file, server.url, rate=steady(rate), users=USERS), directory)
    try:
        driver.start()
        while not driver.ready():
            time.sleep(0.01)
        pin(driver.process_id, core=0)
        begin = math.ceil(time.time() + 0.2)
        driver.begin(begin)
        while time.time() < begin + SECONDS:
            lay_down = time.monotonic()
            time.sleep(NAP)
            overslept.append(time.monotonic() - lay_down - NAP)
            driver.poll()
        driver.finish(begin + SECONDS)
    finally:
        driver.kill()
    # Arrivals are released in their order, so the n-th task to begin is that of the n-th arrival.
    starts = sorted(map(float, file.with_suffix(".txt").read_text().split()))
    plan = Plan(EvenArrivals(steady(rate)), begin)
    late = sorted(start - plan.due_at(number) for number, start in enumerate(starts))
    return late, sorted(overslept)


def quantile(ordered: list[float], q: float) -> float:
    """In milliseconds."""
    return ordered[math.ceil(q * len(ordered)) - 1] * 1000


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as name, serving() as server:
        directory = Path(name)
        file = directory / "visitor.py"
        file.write_text(LOCUST_FILE)
        closed, ours = compete(server, file, rate=steady(TOO_MUCH))
        print("FastHttpUser                 plain   arrivals    ratio")
        print_rates(closed, ours, GOAL)
        for share in SHARES:
            late, overslept = delays(server, directory, round(share * ours.by_time))
            print(f"released at {share:.0%} of that: p50 {quantile(late, 0.5):.2f} ms late, "
                  f"p99 {quantile(late, 0.99):.2f} ms (goal <= {GOAL_MS:g}); "
                  f"p99 of a plain sleep here {quantile(overslept, 0.99):.2f} ms")  # fmt: skip


if __name__ == "__main__":
    main()

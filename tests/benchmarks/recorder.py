"""What the recorder costs: the same Locust file with it and without it, side by side.

Both run at once, but one of them is always stopped: they take turns of a fraction of a second, so
that whatever else the machine does falls on both. The server counts the requests; it runs on
another core where there is one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from chaos.load.driver import LocustDriver
from chaos.load.settings import LoadSettings

ROUNDS = 24
TURN = 0.25
"""Seconds that each runs before it is the other's turn."""
SETTLE = 2.0
"""Seconds until all users are at work."""
USERS = 20
GOAL = 0.97
GOAL_NS = 3000
EVENTS = 20_000

LOCUST_FILE = """
from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0)

    @task
    def visit(self):
        self.client.get("/ok")
"""


@dataclass(frozen=True)
class Rates:
    """How fast a Locust was."""

    by_time: float
    """Requests per second. Falls when others use the core."""
    by_cpu: float
    """Requests per second of its own CPU time: the same on a core that is free."""


class Server:
    """The server of known behaviour, as a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{self._ask()}"

    def served(self) -> int:
        """How many requests it has seen."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._ask()

    def _ask(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


@contextmanager
def serving() -> Iterator[Server]:
    """A server while the block lasts."""
    command = [sys.executable, "-m", "tests.known_server"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        pin(process.pid, core=-1)
        try:
            yield Server(process)
        finally:
            process.kill()


@contextmanager
def plain(server: Server, file: Path) -> Iterator[int]:
    """Locust alone; its process id."""
    base = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary"]
    command = [*base, "--host", server.url, "-u", str(USERS), "-r", str(USERS)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as locust:
        try:
            yield locust.pid
        finally:
            locust.kill()


@contextmanager
def driven(server: Server, file: Path, **settings: Any) -> Iterator[int]:
    """Locust under the driver; its process id."""
    driver = LocustDriver(LoadSettings(file, server.url, users=USERS, **settings), file.parent)
    try:
        driver.start()
        while not driver.ready():
            time.sleep(0.01)
        driver.begin(time.time())
        yield driver.process_id
    finally:
        driver.kill()


@dataclass
class Contestant:
    """One of the two Locusts, and what it has done in its turns."""

    process: psutil.Process
    requests: int = 0
    seconds: float = 0.0

    def take_turn(self, server: Server) -> None:
        """Run for a moment, then stand still."""
        self.process.resume()
        start, before = time.monotonic(), server.served()
        time.sleep(TURN)
        self.requests += server.served() - before
        self.seconds += time.monotonic() - start
        self.process.suspend()

    def cpu_seconds(self) -> float:
        """What it has used of its core so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def compete(server: Server, file: Path, **settings: Any) -> tuple[Rates, Rates]:
    """The rates of plain Locust, and of Locust under the driver with these settings."""
    with ExitStack() as stack:
        contestants = plain(server, file), driven(server, file, **settings)
        ids = [stack.enter_context(one) for one in contestants]
        time.sleep(SETTLE)
        both = [Contestant(psutil.Process(process_id)) for process_id in ids]
        for one in both:
            pin(one.process.pid, core=0)
            one.process.suspend()
        used = [one.cpu_seconds() for one in both]
        for number in range(ROUNDS):
            for one in both if number % 2 else both[::-1]:
                one.take_turn(server)
        without, with_it = (
            Rates(one.requests / one.seconds, one.requests / (one.cpu_seconds() - before))
            for one, before in zip(both, used, strict=True)
        )
        return without, with_it


@dataclass(frozen=True)
class Answer:
    """As much of an answer as the recorder looks at."""

    headers: Any


def nanoseconds_per_request() -> float:
    """What the recorder takes for one request event, its share of the flush included."""
    # Importing Locust replaces the standard library's sockets, so it has a process of its own.
    code = "from tests.benchmarks.recorder import cost_of_an_event; print(cost_of_an_event())"
    return float(subprocess.check_output([sys.executable, "-c", code]))


def cost_of_an_event() -> float:
    """Nanoseconds for one request event; to be called where Locust may be imported."""
    from geventhttpclient.header import Headers
    from locust.event import EventHook

    from chaos.load.inside.clock import EpochClock
    from chaos.load.inside.recorder import Recorder

    make_hook: Any = EventHook
    hooks = make_hook(), make_hook()
    recorder = Recorder(EpochClock(), LoadSettings(Path(), "", served_by=("X-Zone", "X-Server")))
    recorder.begin(0.0)
    hooks[1].add_listener(recorder.on_request)
    answer = Answer(Headers({"Content-Length": "9", "X-Zone": "a", "X-Server": "i-1"}))
    event = {"request_type": "GET", "name": "/ok", "response_length": 9, "url": "", "context": {}}
    event["response"] = answer

    def fire(hook: Any) -> None:
        for number in range(EVENTS):
            took = 1 + number % 50
            hook.fire(**event, response_time=took, exception=None, start_time=time.time())
        recorder.flush()

    # CPU time, and the best of several: others use the machine too.
    clock = time.process_time
    silent, recording = (
        min(timeit.repeat(partial(fire, hook), timer=clock, repeat=10, number=1)) for hook in hooks
    )
    return (recording - silent) / EVENTS * 1e9


def pin(process_id: int, core: int) -> None:
    """Keep a process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process_id, {cores[core]})


def print_rates(theirs: Rates, ours: Rates, goal: float) -> None:
    """A row by time and one by CPU time."""
    for name, their, our in (
        ("requests/s", theirs.by_time, ours.by_time),
        ("requests/CPU second", theirs.by_cpu, ours.by_cpu),
    ):
        print(f"  {name:24} {their:7.0f} {our:9.0f} {our / their:9.3f} (goal >= {goal})")


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as directory, serving() as server:
        file = Path(directory) / "visitor.py"
        file.write_text(LOCUST_FILE)
        plainly, ours = compete(server, file)
    print("FastHttpUser                 plain  recorded     ratio")
    print_rates(plainly, ours, GOAL)
    print(f"recorder, ns per request {nanoseconds_per_request():28.0f} (goal <= {GOAL_NS})")


if __name__ == "__main__":
    main()

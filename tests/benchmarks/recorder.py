"""What the recorder costs: the same Locust file with it and without it, side by side.

Both run at once, but one of them is always stopped: they take turns of a fraction of a second, so
that whatever else the machine does falls on both. The server counts the requests; it runs on another
core where there is one.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chaos.load.driver import LocustDriver
from chaos.load.settings import LoadSettings

PAIRS = 24
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
        _pin(process.pid, core=-1)
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
def recorded(server: Server, file: Path) -> Iterator[int]:
    """Locust under the driver; its process id."""
    driver = LocustDriver(LoadSettings(file, server.url, users=USERS), file.parent)
    try:
        driver.start()
        while not driver.ready():
            time.sleep(0.01)
        driver.begin(time.time())
        yield driver.process_id
    finally:
        driver.kill()


def compare(server: Server, file: Path) -> Iterator[tuple[float, float]]:
    """Requests per second without and with the recorder, a pair per round."""
    with ExitStack() as stack:
        both = [stack.enter_context(kind(server, file)) for kind in (plain, recorded)]
        time.sleep(SETTLE)
        for process_id in both:
            _pin(process_id, core=0)
            os.kill(process_id, signal.SIGSTOP)
        for number in range(PAIRS):
            order = both if number % 2 else both[::-1]
            rates = {process_id: _take_turn(server, process_id) for process_id in order}
            yield rates[both[0]], rates[both[1]]


def _take_turn(server: Server, process_id: int) -> float:
    os.kill(process_id, signal.SIGCONT)
    start, before = time.monotonic(), server.served()
    time.sleep(TURN)
    rate = (server.served() - before) / (time.monotonic() - start)
    os.kill(process_id, signal.SIGSTOP)
    return rate


def nanoseconds_per_request() -> float:
    """What the recorder takes for one request event, its share of the flush included."""
    # Importing Locust replaces the standard library's sockets, so it has a process of its own.
    code = "from tests.benchmarks.recorder import cost_of_an_event; print(cost_of_an_event())"
    return float(subprocess.check_output([sys.executable, "-c", code]))


def cost_of_an_event() -> float:
    """Nanoseconds for one request event; to be called where Locust may be imported."""
    from locust.event import EventHook  # noqa: PLC0415 - patches the process

    from chaos.load.inside.clock import EpochClock  # noqa: PLC0415 - imports gevent
    from chaos.load.inside.recorder import Recorder  # noqa: PLC0415 - imports gevent

    silent, recording = EventHook(), EventHook()
    recorder = Recorder(EpochClock(), is_open=False)
    recorder.begin(0.0)
    recording.add_listener(recorder.on_request)
    event = {"request_type": "GET", "name": "/ok", "response_length": 9, "url": "", "context": {}}

    def fire(hook: EventHook) -> None:
        for number in range(EVENTS):
            took = 1 + number % 50
            hook.fire(**event, response_time=took, exception=None, start_time=time.time())
        recorder.flush()

    costs = [
        min(timeit.repeat(lambda h=h: fire(h), number=1, repeat=5)) for h in (silent, recording)
    ]
    return (costs[1] - costs[0]) / EVENTS * 1e9


def _pin(process_id: int, core: int) -> None:
    """Keep a process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process_id, {cores[core]})


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as directory, serving() as server:
        file = Path(directory) / "visitor.py"
        file.write_text(LOCUST_FILE)
        pairs = list(compare(server, file))
    without, with_it = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    share = statistics.median(ours / theirs for theirs, ours in pairs)
    print(f"FastHttpUser, plain Locust      {without:8.0f} requests/s")
    print(f"FastHttpUser, with the recorder {with_it:8.0f} requests/s")
    print(f"ratio, median of {PAIRS} pairs       {share:8.3f} (goal >= {GOAL})")
    print(
        f"recorder, per request           {nanoseconds_per_request():8.0f} ns (goal <= {GOAL_NS})"
    )


if __name__ == "__main__":
    main()

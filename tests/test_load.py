"""Load by a real Locust against a server of known behaviour: every request is accounted for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from chaos.load.arrivals import EvenArrivals, Plan
from chaos.measure.recording import Slice
from chaos.measure.tallies import Tally, UserTime
from chaos.model.rate import steady
from tests.known_server import KnownServer, running
from tests.load_harness import Driven, Harness, assert_gone, await_ready, run

BROWSER = """
    class Browser(FastHttpUser):
        wait_time = constant(0.01)
        @task
        def browse(self):
            self.client.get("/ok")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[KnownServer]:
    """One server for all tests."""
    with running() as server:
        yield server


@pytest.fixture
def harness(tmp_path: Path, server: KnownServer) -> Harness:
    """Runs Locust files against the server."""
    server.served.clear()
    return Harness(tmp_path, server.url)


def outcomes(piece: Slice) -> tuple[int, int, int, int]:
    """The counts of a slice: ok, failed, timed out, not sent."""
    return piece.ok, piece.failed, piece.timed_out, piece.not_sent


def assert_accounts_close(driven: Driven, rate: float) -> None:
    """Each arrival of the plan has exactly one outcome, in the second in which it was due."""
    plan = Plan(EvenArrivals(steady(rate)), driven.begin)
    arrivals = driven.recording.arrivals
    last = max(arrivals)
    for second in range(int(driven.begin), last):
        planned = plan.due_before(second + 1) - plan.due_before(second)
        assert arrivals[second] == planned
    assert arrivals.total() >= plan.due_before(driven.end)


def test_a_stall_is_seen_by_all_arrivals_that_were_due_in_it(
    harness: Harness, server: KnownServer
) -> None:
    """With two processes: the sum is the plan and what the server saw, and p95 is the truth."""
    stalls = iter([1.0])

    def stall_once(seconds: float) -> None:
        if seconds >= 0.5 and next(stalls, None):
            server.stall(1.0)

    driven = harness.drive(BROWSER, 2.0, stall_once, rate=100, processes=2)
    total = driven.total
    assert_accounts_close(driven, 100)
    assert outcomes(total) == (driven.recording.arrivals.total(), 0, 0, 0)
    assert total.planned == server.served["/ok"]
    # Of n arrivals, 100 were due in the stall and waited for 0.01 s, 0.02 s, ... 1 s.
    truth = 1.0 - 0.05 * total.planned / 100
    measured = total.response.quantile(0.95)
    assert measured == pytest.approx(truth, rel=0.1)


def test_every_way_to_end_has_its_outcome(harness: Harness) -> None:
    """Time-outs of both clients are told from failures, also where the file checks answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{unused.getsockname()[1]}"
        text = f"""
        def check(client, path):
            with client.get(path, name="/checked" + path, catch_response=True) as answer:
                if answer.status_code != 200:
                    answer.failure("not what I wanted")

        class Tasks(SequentialTaskSet):
            @task
            def calls(self):
                kind = type(self.user).__name__
                for path in ("/ok", "/error", "/hang", "/drip"):
                    self.client.get(path, name=f"{{kind}}{{path}}")
                self.client.get("{refused}/", name=kind + "/refused")
                check(self.client, "/half")
                check(self.client, "/ok"); check(self.client, "/hang"); check(self.client, "/error")
                if kind == "Fast":  # What is read after the request has returned must end too.
                    list(self.client.get("/half", stream=True).iter_content())

        class Plain(HttpUser):
            tasks = [Tasks]
        class Fast(FastHttpUser):
            tasks = [Tasks]
        """
        driven = harness.drive(text, 1.3, users=6, timeout=0.2)
    for kind in ("Plain", "Fast"):
        rounds = driven.endpoint(f"GET {kind}/refused").planned
        assert rounds >= 3
        for path, expected in {
            "/ok": "ok",
            "/error": "failed",
            "/refused": "failed",
            "/hang": "timed_out",
            "/drip": "timed_out",
        }.items():
            piece = driven.endpoint(f"GET {kind}{path}")
            assert getattr(piece, expected) == piece.planned >= rounds
        assert driven.endpoint(f"GET {kind}/hang").service.quantile(0.5) == pytest.approx(
            0.2, abs=0.1
        )
    checked = {"/ok": "ok", "/hang": "timed_out", "/half": "timed_out", "/error": "failed"}
    for path, expected in checked.items():
        piece = driven.endpoint(f"GET /checked{path}")
        assert getattr(piece, expected) == piece.planned > 0
    assert any(notice.startswith("TimeoutError: timed out (load_f") for notice in driven.notices)


def test_arrivals_that_no_user_could_take_are_not_sent(harness: Harness) -> None:
    """A pool of two users that hang takes what it can; the rest is counted and the user is told."""
    text = BROWSER.replace("/ok", "/hang")
    driven = harness.drive(text, 1.0, rate=20, users=2, timeout=0.4)
    total = driven.total
    assert_accounts_close(driven, 20)
    assert total.planned == driven.recording.arrivals.total()
    assert total.timed_out >= 4
    assert total.not_sent >= 8
    assert total.timed_out + total.not_sent == total.planned
    assert any("all 2 users were busy" in notice for notice in driven.notices)


@pytest.mark.lab
def test_the_share_of_a_worker_that_died_is_not_sent(harness: Harness) -> None:
    """A worker killed in the middle leaves no hole in the accounts."""
    driver = harness.driver(BROWSER, rate=100, users=40, processes=2, timeout=2.0)
    killed: list[float] = []

    def kill_one(seconds: float) -> None:
        if seconds > 0.5 and not killed:
            psutil.Process(driver.process_id).children()[0].kill()
            killed.append(seconds)

    try:
        driver.start()
        await_ready(driver)
        driven = run(driver, 1.5, kill_one)
    finally:
        driver.kill()
    assert_accounts_close(driven, 100)
    total = driven.total
    assert total.planned == driven.recording.arrivals.total()
    # Each worker has 50 arrivals a second. What the dead one had not reported yet is lost as well.
    assert total.not_sent >= 50 * (1.5 - killed[0]) - 1
    assert total.ok + total.timed_out >= 50 * 1.5 - 1


def test_every_arrival_is_one_task_whatever_the_tasks_do(
    harness: Harness, server: KnownServer
) -> None:
    """Nested task sets, tasks that leave, fail, stop or send nothing: the accounts still close."""
    text = """
    class Steps(SequentialTaskSet):
        def on_start(self):
            self.client.get("/unmeasured")
        @task
        def first(self):
            self.client.get("/ok", name="first")
        @task
        def second(self):
            self.client.get("/ok", name="second")
            self.client.get("/ok", name="second's other")
        @task
        def leave(self):
            self.interrupt()

    class Journey(FastHttpUser):
        tasks = {Steps: 1}
        weight = 3
        def on_start(self):
            self.client.get("/unmeasured")

    class Odd(FastHttpUser):
        @task
        def fails(self):
            raise ValueError("odd")
        @task
        def idles(self):
            self.wait_time = lambda: 0.01
            self.wait()
        @task
        def stops(self):
            self.client.get("/ok", name="stops")
            raise StopUser()
    """
    driven = harness.drive(text, 1.5, rate=60, users=12, spawn_rate=100)
    assert_accounts_close(driven, 60)
    arrivals = driven.recording.arrivals.total()
    first, second, other, fails, idles, stops = (
        driven.endpoint(name)
        for name in (
            "GET first",
            "GET second",
            "GET second's other",
            "(task) fails",
            "(task) idles",
            "GET stops",
        )
    )
    assert arrivals == sum(x.planned for x in (first, second, fails, idles, stops))
    assert driven.total.planned == arrivals + other.planned
    assert other.planned == second.planned == second.ok > 10
    assert fails.failed == fails.planned > 0
    assert idles.ok == idles.planned > 0
    assert stops.ok == stops.planned > 0
    assert server.served["/unmeasured"] >= 9
    assert driven.endpoint("GET /unmeasured").planned == 0
    assert "ValueError: odd (load_file.py, line 28)" in driven.notices


def assert_served(piece: Slice, served: int, users: int) -> None:
    """All good, and as many as the server saw, but for what users sent as they were stopped."""
    assert outcomes(piece) == (piece.planned, 0, 0, 0)
    assert 0 <= served - piece.planned <= 3 * users  # until they hear of the end


def test_a_closed_load_is_what_the_server_saw(harness: Harness, server: KnownServer) -> None:
    """Of either client each request is counted once, with who served it and what users had."""
    text = BROWSER + BROWSER.replace("FastHttpUser", "HttpUser").replace("Browser", "Slow")
    driven = harness.drive(text, 1.0, users=6, served_by=("X-Served-Zone", "X-Served-By"))
    assert_served(driven.total, server.served["/ok"], users=6)
    tally, time = Tally(), UserTime()
    for key, more in driven.recording.servers.items():
        assert key.server == f"here/{server.port}"
        tally.merge(more)
    assert (tally.ok, tally.bad) == (driven.total.ok, 0)
    for second in driven.recording.users.values():
        time.merge(second)
    assert time.down == 0
    assert 1 < time.up <= 6 * (driven.end - driven.begin + 0.2)
    assert driven.total.ok > 20
    assert not driven.recording.arrivals
    assert min(driven.recording.by_second()) >= int(driven.begin)


@pytest.mark.parametrize(
    ("lasts", "is_over"), [(0.5, True), pytest.param(60, False, marks=pytest.mark.lab)]
)
def test_a_load_test_shape_is_followed(
    harness: Harness, server: KnownServer, lasts: float, is_over: bool
) -> None:
    """The file's own shape decides; neither its end nor an end before it loses a request."""
    shape = f"""
    class Shape(LoadTestShape):
        def tick(self):
            return (3, 3) if self.get_run_time() < {lasts} else None
    """
    driven = harness.drive(BROWSER + shape, 1.5)
    assert_served(driven.total, server.served["/ok"], users=3)
    assert driven.total.ok > 10
    assert is_over == any("LoadTestShape" in notice for notice in driven.notices)


@pytest.mark.lab
def test_a_worker_on_another_machine_gets_the_files_from_the_master(
    harness: Harness, server: KnownServer
) -> None:
    """A worker started by hand with `-f -`, as on another machine, makes the load."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = harness.driver(
        BROWSER, rate=50, users=5, workers=1, worker_port=port, worker_bind="127.0.0.1"
    )
    command = [sys.executable, "-m", "locust", "--worker", "-f", "-", "--master-port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:
        try:
            driver.start()
            await_ready(driver)
            driven = run(driver, 0.7)
            assert worker.wait(10) == 0
        finally:
            driver.kill()
            worker.kill()
    assert_accounts_close(driven, 50)
    assert outcomes(driven.total) == (server.served["/ok"], 0, 0, 0)


ENGINE = """
import sys, time
from pathlib import Path
from chaos.load.driver import LocustDriver
from chaos.load.settings import LoadSettings
from chaos.model.rate import steady
settings = LoadSettings(Path(sys.argv[1]), sys.argv[2], rate=steady(50), users=5, processes=2)
driver = LocustDriver(settings, Path(sys.argv[1]).parent)
driver.start()
while not driver.ready():
    time.sleep(0.01)
driver.begin(time.time())
print(driver.process_id, flush=True)
time.sleep(60)
"""


@pytest.mark.lab
def test_no_locust_survives_an_engine_that_was_killed(
    harness: Harness, server: KnownServer
) -> None:
    """`kill -9` of the engine ends Locust and the workers that it forked."""
    harness.driver(BROWSER)
    file = str(harness.directory / "load_file.py")
    command = [sys.executable, "-c", ENGINE, file, server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout
        locust = psutil.Process(int(engine.stdout.readline()))
        family = [locust, *locust.children(recursive=True)]
        os.kill(engine.pid, signal.SIGKILL)
    assert len(family) == 3
    assert_gone(family, limit=10)

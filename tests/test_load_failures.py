"""When there can be no load, the user gets Locust's own words, and no process is left."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos.load.complaint import complaint
from chaos.load.driver import LoadFailed, LocustDriver
from chaos.load.settings import LoadSettings
from tests.known_server import KnownServer, running
from tests.load_harness import Harness, assert_gone, await_ready

USER = """
    class Browser(FastHttpUser):
        @task
        def browse(self):
            self.client.get("/ok")
"""

ON_START = (
    USER
    + """
        def on_start(self):
            raise ValueError("no login today")
"""
)

INIT = (
    USER
    + """
        def __init__(self, environment):
            raise ValueError("not made")
"""
)

QUITS = USER.replace('self.client.get("/ok")', "os._exit(3)")


@pytest.fixture(scope="module")
def server() -> Iterator[KnownServer]:
    """One server for all tests."""
    with running() as server:
        yield server


@pytest.fixture
def harness(tmp_path: Path, server: KnownServer) -> Harness:
    """Runs Locust files against the server."""
    return Harness(tmp_path, server.url)


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "missing file": ("", {"users": 1}, r"Could not find '.*gone\.py'"),
    "syntax": (
        "x = (",
        {"users": 1},
        r"SyntaxError: '\(' was never closed \(load_file.py, line 4\)",
    ),
    "import": (
        "\nimport nowhere",
        {"users": 1},
        r"No module named 'nowhere' \(load_file.py, line 5\)",
    ),
    "no user class": ("", {"users": 1}, "No User class found"),
    "no load": (USER, {}, "give rate or users"),
    "on_start, open": (
        ON_START,
        {"rate": 10, "users": 2},
        r"not one user .*ValueError: no login today \(load_file.py, line 11\)",
    ),
    "on_start, closed": (ON_START, {"users": 2}, "not one user .*ValueError: no login today"),
    "user not made": (INIT, {"users": 1}, r"ValueError: not made \(load_file.py, line 11\)"),
    "Locust ends": (QUITS, {"rate": 10, "users": 1}, r"Locust ended \(exit code 3\)"),
    "no workers": (
        USER,
        {"rate": 10, "workers": 2, "worker_wait": 0.3, "worker_bind": "127.0.0.1"},
        "0 of 2 Locust workers connected within 0.3 s",
    ),
}


def drive_file(file: Path, server: KnownServer) -> None:
    """Start that file, be it there or not."""
    driver = LocustDriver(LoadSettings(file, server.url, users=1), file.parent)
    try:
        driver.start()
        await_ready(driver)
    finally:
        driver.kill()


@pytest.fixture(scope="module")
def failures(server: KnownServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each case ends with; several at a time, for Locust takes a while to start."""

    def fail(name: str) -> str:
        text, settings, _ = CASES[name]
        harness = Harness(tmp_path_factory.mktemp("case"), server.url)
        try:
            if name == "missing file":
                drive_file(harness.directory / "gone.py", server)
            harness.drive(text, 5.0, **settings)
        except LoadFailed as failure:
            return str(failure)
        return "no failure"

    with ThreadPoolExecutor(3) as threads:
        return dict(zip(CASES, threads.map(fail, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_load_that_cannot_be_says_why(failures: dict[str, str], name: str) -> None:
    """Whatever is wrong, one message of one line has the cause, and where in the file it is."""
    assert re.search(CASES[name][2], failures[name])
    assert "\n" not in failures[name]


def test_kill_leaves_no_process(harness: Harness) -> None:
    """A kill in the middle of the load ends all processes at once, and may be repeated."""
    driver = harness.driver(USER, rate=50, processes=2)
    driver.start()
    await_ready(driver)
    driver.begin(time.time())
    locust = psutil.Process(driver.process_id)
    family = [locust, *locust.children(recursive=True)]
    driver.kill()
    driver.kill()
    assert len(family) == 3
    assert_gone(family, limit=1)


def test_kill_before_the_start_is_harmless(harness: Harness) -> None:
    """An engine that never came to start the load may still kill it."""
    harness.driver(USER).kill()


LOG_WITH_ERROR = """\
[2026-01-01 00:00:00,001] host/ERROR/locust.main: it: broke
[2026-01-01 00:00:00,002] host/INFO/locust.main: Shutting down (exit code 1)
"""

LOG_WITH_TRACEBACK = """\
Traceback (most recent call last):
  File "/a/shop.py", line 3, in <module>
    import x
  File "/b/lib.py", line 9, in y
    z
x.Error: first line
second line
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", ""),
        ("Could not find 'x.py'. Ensure ...\n", "Could not find 'x.py'. Ensure ..."),
        (LOG_WITH_ERROR, "it: broke"),
        (LOG_WITH_TRACEBACK, "x.Error: first line (shop.py, line 3)"),
    ],
)
def test_the_complaint_is_the_line_that_helps(log: str, expected: str) -> None:
    """An exception with its place in the user's file, else an error, else the last line."""
    assert complaint(log, Path("loadtests/shop.py")) == expected

"""When there can be no load, the user gets Locust's own words, and no process is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos.load.complaint import complaint
from chaos.load.driver import LoadFailed, LocustDriver
from chaos.load.settings import LoadSettings
from tests.known_server import KnownServer, running
from tests.load_harness import Harness, assert_gone, await_ready, run

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


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("x = (", {"users": 1}, r"SyntaxError: '\(' was never closed \(load_file.py, line 4\)"),
        ("\nimport nowhere", {"users": 1}, r"No module named 'nowhere' \(load_file.py, line 5\)"),
        ("", {"users": 1}, "No User class found"),
        (USER, {}, "give rate or users"),
        (ON_START, {"rate": 10, "users": 2}, r"not one user .*: no login today \(load_file.py, li"),
        (ON_START, {"users": 2, "processes": 2}, "not one user .*ValueError: no login today"),
        (INIT, {"users": 1}, r"ValueError: not made \(load_file.py, line 11\)"),
        (QUITS, {"rate": 10, "users": 1}, r"Locust ended \(exit code 3\)"),
        (
            USER,
            {"rate": 10, "workers": 2, "worker_wait": 0.3, "worker_bind": "127.0.0.1"},
            "0 of 2 Locust workers connected within 0.3 s",
        ),
    ],
)
def test_a_load_that_cannot_be_says_why(
    harness: Harness, text: str, settings: dict[str, Any], message: str
) -> None:
    """Whatever is wrong, one message has the cause, and where in the file it is."""
    driver = harness.driver(text, **settings)
    with pytest.raises(LoadFailed, match=message) as failure:
        try:
            driver.start()
            await_ready(driver)
            run(driver, 5.0)
        finally:
            driver.kill()
    assert "\n" not in str(failure.value)


def test_a_missing_file_is_named(tmp_path: Path, server: KnownServer) -> None:
    """A Locust file that is not there fails with Locust's hint."""
    driver = LocustDriver(LoadSettings(tmp_path / "gone.py", server.url, users=1), tmp_path)
    driver.start()
    with pytest.raises(LoadFailed, match=r"Could not find '.*gone\.py'"):
        await_ready(driver)
    driver.kill()


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


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", ""),
        ("Could not find 'x.py'. Ensure ...\n", "Could not find 'x.py'. Ensure ..."),
        (
            "[2026-01-01 00:00:00,001] host/ERROR/locust.main: it: broke\n"
            "[2026-01-01 00:00:00,002] host/INFO/locust.main: Shutting down (exit code 1)\n",
            "it: broke",
        ),
        (
            "Traceback (most recent call last):\n"
            '  File "/a/shop.py", line 3, in <module>\n    import x\n'
            '  File "/b/lib.py", line 9, in y\n    z\n'
            "x.Error: first line\nsecond line\n",
            "x.Error: first line (shop.py, line 3)",
        ),
    ],
)
def test_the_complaint_is_the_line_that_helps(log: str, expected: str) -> None:
    """An exception with its place in the user's file, else an error, else the last line."""
    assert complaint(log, Path("loadtests/shop.py")) == expected

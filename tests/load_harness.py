"""Drives a real Locust against a server of known behaviour."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import psutil

from chaos.load.driver import LocustDriver
from chaos.load.settings import LoadSettings
from chaos.measure.recording import Recording, Slice
from chaos.model.rate import steady

IMPORTS = "from locust import *\nfrom locust.exception import *\nimport os, time\n"


@dataclass
class Driven:
    """What came of a load."""

    recording: Recording
    notices: list[str]
    begin: float
    end: float
    """The earliest end: the driver may have moved it on by a moment."""

    @property
    def total(self) -> Slice:
        """All of it."""
        return self.recording.between(0, float("inf"))

    def endpoint(self, name: str) -> Slice:
        """All of one endpoint."""
        return self.recording.between(0, float("inf"), name)


class Harness:
    """Writes Locust files and runs them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url

    def driver(self, text: str, **settings: Any) -> LocustDriver:
        """A driver for a Locust file with this text (its imports are given)."""
        file = self.directory / "load_file.py"
        file.write_text(IMPORTS + dedent(text))
        rate = settings.pop("rate", None)
        legs = steady(rate) if isinstance(rate, int | float) else rate
        wanted = LoadSettings(file, self.url, rate=legs, **settings)
        return LocustDriver(wanted, self.directory)

    def drive(
        self,
        text: str,
        seconds: float,
        during: Callable[[float], None] = lambda _: None,
        **settings: Any,
    ) -> Driven:
        """Run it; `during` is called all the while with the seconds since the beginning."""
        driver = self.driver(text, **settings)
        try:
            driver.start()
            await_ready(driver)
            return run(driver, seconds, during)
        finally:
            driver.kill()


def await_ready(driver: LocustDriver, limit: float = 20.0) -> None:
    """Wait until the load could begin."""
    deadline = time.monotonic() + limit
    while not driver.ready():
        assert time.monotonic() < deadline, "Locust was not ready in time"
        time.sleep(0.01)


def run(
    driver: LocustDriver, seconds: float, during: Callable[[float], None] = lambda _: None
) -> Driven:
    """Begin a load that is ready, and see it to its end."""
    begin = time.time() + 0.2
    driver.begin(begin)
    recording = Recording()
    while (now := time.time()) < begin + seconds - 0.15:
        during(now - begin)
        recording.merge(driver.poll())
        time.sleep(0.02)
    recording.merge(driver.finish(begin + seconds))
    return Driven(recording, driver.notices(), begin, begin + seconds)


def assert_gone(family: list[psutil.Process], limit: float) -> None:
    """All of these processes end within `limit` seconds."""
    deadline = time.monotonic() + limit
    while any(map(_lives, family)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_lives, family))


def _lives(process: psutil.Process) -> bool:
    """Whether it still does anything; a zombie waits only to be reaped."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

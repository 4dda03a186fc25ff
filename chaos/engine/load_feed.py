"""The load as it comes in: merged in memory, and on disk line by line."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path

from chaos.load.driver import LoadDriver, LoadFailed
from chaos.measure.recording import Recording, Slice

FILE_NAME = "slices.jsonl"
"""One JSON line per second with what was recorded since the last; lines merge to the whole."""


class LoadFeed:
    """What the load driver reports, kept. Without a driver it is a load of nothing."""

    def __init__(self, driver: LoadDriver | None, directory: Path) -> None:
        self.recording = Recording()
        self.measured = Slice()
        """All since `measure_from`, kept as it comes in: the whole is too much to add up anew."""
        self._measured_from = math.inf
        self._driver = driver
        self._file = (directory / FILE_NAME).open("a", encoding="utf-8")
        self._running = False

    def launch(self) -> None:
        """Begin to start the load; see `ready`."""
        if self._driver is not None:
            self._driver.start()

    def ready(self) -> bool:
        """Whether the load can begin.

        Raises:
            LoadFailed: it never will.
        """
        return self._driver is None or self._driver.ready()

    def begin(self, at: float) -> None:
        """Put load on the system from `at` on, in seconds since the epoch."""
        if self._driver is not None:
            self._driver.begin(at)
            self._running = True

    def measure_from(self, at: float) -> None:
        """The warm-up ends: from here on (seconds since the epoch) everything counts."""
        self._measured_from = at

    def poll(self) -> None:
        """Take in what is new.

        Raises:
            LoadFailed: the load died.
            OSError: it could not be written down.
        """
        if self._driver is not None and self._running:
            self._keep(self._driver.poll())

    def notices(self) -> list[str]:
        """What the user should know of the load since the last call, a line each."""
        return self._driver.notices() if self._driver is not None else []

    def poll_quietly(self) -> str:
        """Take in what is new; what goes wrong is returned in words, once, and ends the feed."""
        try:
            self.poll()
        except (LoadFailed, OSError) as error:
            self._running = False
            return f"the load ended: {error}"
        return ""

    def finish(self, at: float) -> str:
        """No request is due from `at` on; drain, end the load, and say what went wrong."""
        if self._driver is None:
            return ""
        try:
            if self._running:
                self._keep(self._driver.finish(at))
        except (LoadFailed, OSError) as error:
            return str(error)
        finally:
            self._driver.kill()
            self._running = False
            with suppress(OSError):  # a full disk, which was told
                self._file.close()
        return ""

    def last_second(self, now: float) -> Slice:
        """The last second that is over and has had a moment to be answered."""
        second = int(now - 1.5)
        return self.recording.between(second, second + 1)

    def _keep(self, news: Recording) -> None:
        if news:
            self.recording.merge(news)
            self.measured.merge(news.between(self._measured_from, math.inf))
            self._file.write(json.dumps(news.to_json(), separators=(",", ":")) + "\n")
            self._file.flush()


def read_load(directory: Path) -> Recording:
    """The whole load of a stored run; a last line torn by a crash is left out."""
    whole = Recording()
    file = directory / FILE_NAME
    if not file.exists():
        return whole
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                whole.merge(Recording.from_json(json.loads(line)))
            except ValueError:
                if next(lines, None) is not None:
                    raise
    return whole

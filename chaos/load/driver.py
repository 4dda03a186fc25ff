"""The load seam: what the engine knows of the load, and Locust behind it."""

from __future__ import annotations

import queue
import time
from abc import abstractmethod
from pathlib import Path
from typing import Any, Protocol

from chaos.load.arrivals import Plan
from chaos.load.channel import Kind
from chaos.load.complaint import complaint
from chaos.load.ledger import Ledger
from chaos.load.process import LOG_NAME, LocustProcess
from chaos.load.settings import LoadSettings
from chaos.measure.recording import Recording
from chaos.model.problems import EnvironmentUnusable

_START_LIMIT = 60.0
"""Seconds for Locust to load its file, besides waiting for workers and spawning users."""

_FINISH_NOTICE = 0.1
"""Seconds ahead of the end that every worker is told of it, so that no arrival slips past it."""

_STOP_LIMIT = 5.0
"""Seconds for Locust to stop by itself, the file's own stop hooks included."""


class LoadFailed(EnvironmentUnusable):
    """Locust died or no user could start; the message is Locust's own."""


class LoadDriver(Protocol):
    """Puts load on the system and measures it. All times are seconds since the epoch."""

    @abstractmethod
    def start(self) -> None:
        """Begin to make ready; returns at once."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the load could begin now.

        Raises:
            LoadFailed: it never will.
        """

    @abstractmethod
    def begin(self, at: float) -> None:
        """Release arrivals, or spawn users, from `at` on (a moment that is yet to come)."""

    @abstractmethod
    def poll(self) -> Recording:
        """What was recorded since the last call; a late answer comes for the second it was due in.

        Raises:
            LoadFailed: Locust died.
        """

    @abstractmethod
    def finish(self, at: float) -> Recording:
        """End the load at `at`, wait for the requests in flight, and close the accounts.

        Blocks for up to the time-out. Returns what was recorded since the last `poll`; the sum of
        all has each planned arrival exactly once. `kill` comes after it all the same.

        Raises:
            LoadFailed: Locust died before all was recorded.
        """

    @abstractmethod
    def kill(self) -> None:
        """End the load at once; may be called in any state, and again."""

    def notices(self) -> list[str]:
        """What the user should know since the last call, a line each.

        Errors of the Locust file, workers that were lost, a pool of users that is too small.
        """
        return []


class LocustDriver(LoadDriver):
    """Load made by Locust, in processes of its own."""

    def __init__(self, settings: LoadSettings, directory: Path) -> None:
        """`directory` is where `locust.log` is written."""
        self._settings = settings
        self._log = directory / LOG_NAME
        self._locust: LocustProcess | None = None
        self._started_at = 0.0
        self._ready = False
        self._over = False
        self._done = False
        self._ledger: Ledger | None = None
        self._recorded = Recording()
        self._notices: list[str] = []

    def start(self) -> None:
        """Start the Locust process."""
        if "," in str(self._settings.locustfile.resolve()):
            raise LoadFailed(f"Locust cannot read a path with a comma: {self._settings.locustfile}")
        self._locust = LocustProcess(self._settings, self._log)
        self._locust.tell(Kind.SETUP, self._settings.to_json())
        self._started_at = time.monotonic()

    def ready(self) -> bool:
        """Whether the file is loaded, the workers are here and (open model) the users wait."""
        self._take_messages()
        limit = _start_limit(self._settings)
        if not self._ready and time.monotonic() > self._started_at + limit:
            said = "; ".join(self._notices)
            raise LoadFailed(f"Locust was not ready after {limit:.0f} s. {said or self._log}")
        return self._ready

    def begin(self, at: float) -> None:
        """Tell Locust when to begin."""
        if arrivals := self._settings.arrivals:
            self._ledger = Ledger(Plan(arrivals, at), self._settings.timeout)
        self._process.tell(Kind.BEGIN, at)

    def poll(self) -> Recording:
        """What Locust sent since the last call."""
        self._take_messages()
        recorded, self._recorded = self._recorded, Recording()
        return recorded

    def finish(self, at: float) -> Recording:
        """Let Locust drain, and close the accounts; meanwhile Locust goes on to stop by itself."""
        end = max(at, time.time() + _FINISH_NOTICE)
        self._process.tell(Kind.FINISH, end)
        limit = time.monotonic() + end - time.time() + self._settings.timeout + _STOP_LIMIT
        while not self._done and time.monotonic() < limit:
            self._take_messages(wait=0.05)
        recorded = self.poll()
        if self._ledger:
            recorded.merge(self._ledger.close(end))
        return recorded

    def kill(self) -> None:
        """End Locust and all that it forked; after `finish` its own stop hooks run to their end."""
        if self._locust is None:
            return
        if self._done:
            self._locust.wait(_STOP_LIMIT)
        self._done = True
        self._locust.kill()

    def notices(self) -> list[str]:
        """What Locust had to say since the last call."""
        said, self._notices = self._notices, []
        return said

    @property
    def process_id(self) -> int:
        """The id of Locust's first process, and of its process group."""
        return self._process.process_id

    @property
    def _process(self) -> LocustProcess:
        if self._locust is None:
            raise RuntimeError("start() comes first")
        return self._locust

    def _take_messages(self, wait: float = 0.0) -> None:
        """Handle all messages that are there; `wait` seconds for the first."""
        try:
            while True:
                self._handle(*self._process.hear(wait))
                wait = 0.0
        except queue.Empty:
            pass
        except EOFError:
            if not (self._done or self._over):
                raise LoadFailed(self._last_words()) from None
            self._done = True

    def _handle(self, kind: Kind, value: Any) -> None:
        match kind:
            case Kind.READY:
                self._ready = True
            case Kind.SLICES:
                self._keep(Recording.from_json(value))
            case Kind.NOTICE:
                self._notices.append(value)
            case Kind.ERROR if not self._done:
                raise LoadFailed(value)
            case Kind.OVER:
                self._over = True
                self._notices.append("the LoadTestShape came to its end; no more load")
            case Kind.DONE:
                self._done = True

    def _keep(self, recording: Recording) -> None:
        self._recorded.merge(recording)
        if self._ledger:
            self._ledger.note(recording)

    def _last_words(self) -> str:
        code = self._process.wait(_STOP_LIMIT)
        said = complaint(self._log.read_text(errors="replace"), self._settings.locustfile)
        return f"Locust ended (exit code {code}): {said or 'without a word'}"


def _start_limit(settings: LoadSettings) -> float:
    spawning = settings.pool / settings.gentle_spawn_rate if settings.rate else 0.0
    waiting = settings.worker_wait if settings.expected_workers else 0.0
    return _START_LIMIT + spawning + waiting

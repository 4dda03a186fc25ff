"""Locust as a process of its own: started, listened to, and ended with all that it forked."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from chaos.load.channel import CHANNEL_VARIABLE, Kind, decode, encode
from chaos.load.settings import LoadSettings

HOOK = Path(__file__).parent / "hook" / "chaos_load_hook.py"
"""The Locust file that is loaded besides the user's; it brings in the recorder."""

LOG_NAME = "locust.log"

_GOODBYE = 2.0
"""Seconds that Locust gets to tell workers on other machines that it is over."""


class LocustProcess:
    """One Locust, with the processes it forks, in a process group of its own."""

    def __init__(self, settings: LoadSettings, log: Path) -> None:
        self.log = log
        self._has_remote_workers = settings.workers > 0
        self._inbox: queue.SimpleQueue[tuple[Kind, Any] | None] = queue.SimpleQueue()
        self._channel, theirs = socket.socketpair()
        try:
            self._process = _spawn(settings, log, theirs)
        finally:
            theirs.close()
        self._listener = threading.Thread(target=self._listen, name="locust", daemon=True)
        self._listener.start()

    @property
    def process_id(self) -> int:
        """The id of the first process, and of the group."""
        return self._process.pid

    def tell(self, kind: Kind, value: Any = None) -> None:
        """Send a message; silently lost where Locust is gone, for then `hear` says so."""
        with contextlib.suppress(OSError):
            self._channel.sendall(encode(kind, value))

    def hear(self, timeout: float = 0.0) -> tuple[Kind, Any]:
        """The next message.

        Raises:
            queue.Empty: there is none yet.
            EOFError: there will be none any more.
        """
        message = self._inbox.get(block=timeout > 0, timeout=timeout or None)
        if message is None:
            self._inbox.put(None)
            raise EOFError
        return message

    def wait(self, timeout: float) -> int | None:
        """The exit code, once Locust has ended; None where it has not within `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it and everything it forked, at once; may be called again."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        if self._has_remote_workers:
            self.wait(_GOODBYE)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        self._channel.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._channel.makefile("rb") as lines:
            for line in lines:
                self._inbox.put(decode(line))
        self._inbox.put(None)


def _spawn(settings: LoadSettings, log: Path, theirs: socket.socket) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            command(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, CHANNEL_VARIABLE: str(theirs.fileno())},
            pass_fds=(theirs.fileno(),),
            # A group of its own: Ctrl-C is the engine's to handle, and the group ends as one.
            start_new_session=True,
        )


def command(settings: LoadSettings) -> list[str]:
    """The command line. How many users and when is told by the recorder, not here."""
    files = f"{settings.locustfile.resolve()},{HOOK}"
    base = [sys.executable, "-m", "locust", "-f", files, "--headless", "--only-summary"]
    return [*base, "--host", settings.host, *_distribution(settings)]


def _distribution(settings: LoadSettings) -> list[str]:
    if settings.expected_workers == 0:
        return []
    port = settings.worker_port if settings.workers else _free_port()
    bind = settings.worker_bind if settings.workers else "127.0.0.1"
    role = ["--processes", str(settings.processes)] if settings.processes > 1 else ["--master"]
    here = ["--master-bind-host", bind, "--master-bind-port", str(port)]
    return [*role, *here, "--master-port", str(port)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

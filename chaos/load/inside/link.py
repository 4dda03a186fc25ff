"""The line to the engine, seen from inside Locust."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from gevent.lock import Semaphore

from chaos.load.channel import Kind, decode, encode


class EngineLink:
    """Messages to and from the engine; waiting for one lets Locust's greenlets go on."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lines = channel.makefile("rb")
        self._sending = Semaphore()

    def say(self, kind: Kind, value: Any = None) -> None:
        """Send a message; lost where the engine is gone."""
        with self._sending, contextlib.suppress(OSError):
            self._channel.sendall(encode(kind, value))

    def messages(self) -> Iterator[tuple[Kind, Any]]:
        """Every message, until the engine is gone."""
        with contextlib.suppress(OSError):
            yield from map(decode, self._lines)

"""What a node has found out about its targets, read from Envoy's own log of health check events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A target has become healthy or unhealthy in the eyes of one node."""

    at: float
    """Seconds since the epoch, as Envoy says."""
    port: int
    """The loopback port by which the node reaches the target."""
    healthy: bool


class HealthLog:
    """Reads the log as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def news(self) -> list[HealthChange]:
        """The changes that were written since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(text) + len(newline)
        return list(_changes(text.decode().splitlines()))


def _changes(lines: list[str]) -> Iterator[HealthChange]:
    for line in lines:
        event: dict[str, Any] = json.loads(line)
        healthy = "add_healthy_event" in event
        if healthy or "eject_unhealthy_event" in event:
            at = datetime.fromisoformat(event["timestamp"]).timestamp()
            port = event["host"]["socket_address"]["port_value"]
            yield HealthChange(at, port, healthy)

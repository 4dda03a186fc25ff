"""What the engine and Locust say to each other: one JSON line per message over a socket pair."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

CHANNEL_VARIABLE = "CHAOS_LOAD_CHANNEL"
"""The environment variable with the number of the inherited file descriptor."""


class Kind(StrEnum):
    """What a message is about."""

    # From the engine to Locust:
    SETUP = "setup"
    """The settings, as JSON."""
    BEGIN = "begin"
    """When the load begins, in seconds since the epoch."""
    FINISH = "finish"
    """When the load ends, in seconds since the epoch."""

    # From Locust to the engine:
    READY = "ready"
    """Loaded and connected; in the open model every user waits for an arrival."""
    SLICES = "slices"
    """A recording, as JSON: what was recorded since the last one."""
    NOTICE = "notice"
    """Something the user should know, in one line."""
    ERROR = "error"
    """Why there can be no load, in one line."""
    OVER = "over"
    """The file's load shape came to its end."""
    DONE = "done"
    """All is drained and recorded; Locust stops."""


def encode(kind: Kind, value: Any = None) -> bytes:
    """One message as a line."""
    return json.dumps([kind, value], separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> tuple[Kind, Any]:
    """Read back what `encode` wrote."""
    kind, value = json.loads(line)
    return Kind(kind), value

"""The truth log: what really happened in the lab, and exactly when.

Measurements are calibrated against it. One JSON object a line, appended as things happen; read it
with `read`, also while it is being written.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class TruthKind(StrEnum):
    """What can happen."""

    LAB_READY = "lab-ready"
    INSTANCE_LAUNCHED = "instance-launched"
    """It exists and is pending."""
    INSTANCE_BOOTING = "instance-booting"
    """Its network is up and its user data runs."""
    INSTANCE_SERVING = "instance-serving"
    """Its port accepts connections."""
    INSTANCE_KILLED = "instance-killed"
    """Its network went silent; its processes are killed next."""
    INSTANCE_STOPPED = "instance-stopped"
    INSTANCE_TERMINATED = "instance-terminated"
    INSTANCE_EXITED = "instance-exited"
    """Nothing that its user data started is left, though nobody stopped the instance."""
    TARGET_REGISTERED = "target-registered"
    TARGET_DEREGISTERED = "target-deregistered"
    TARGET_HEALTHY = "target-healthy"
    """One node of the load balancer sends it traffic."""
    TARGET_UNHEALTHY = "target-unhealthy"
    """One node of the load balancer sends it none."""
    SUBNET_BARRED = "subnet-barred"
    """Its network ACL has begun to deny what links carried over its border."""
    SUBNET_OPEN = "subnet-open"
    """Its network ACL denies nothing any more."""
    NODE_REMOVED = "node-removed"
    """The front door leads new clients to that node of the load balancer no more."""
    NODE_ADDED = "node-added"
    """The front door leads new clients to that node of the load balancer again."""
    DATABASE_LOST = "database-lost"
    """The primary of a DB instance or cluster is dead: killed, fenced or gone by itself."""
    DATABASE_PROMOTED = "database-promoted"
    """A standby takes writes as the primary; the endpoint does not lead there yet."""
    DATABASE_MOVED = "database-moved"
    """The endpoint of a DB instance or cluster leads to its primary."""
    DATABASE_IN_SYNC = "database-in-sync"
    """A standby has every acknowledged commit, and could be promoted."""
    DATABASE_STANDBY_LOST = "database-standby-lost"
    SCHEDULE_RUN = "schedule-run"
    """A one-shot schedule of EventBridge Scheduler was due."""
    DATABASE_STOPPED = "database-stopped"
    DATABASE_STARTED = "database-started"
    CACHE_NODE_DOWN = "cache-node-down"
    """A cache node is killed, or has died."""
    CACHE_FAILOVER = "cache-failover"
    """The service has found out that a primary is gone, and will promote a replica."""
    CACHE_PROMOTED = "cache-promoted"
    """A cache node is the primary now, and the primary endpoint leads to it."""
    CACHE_WHOLE = "cache-whole"
    """A replication group has a primary and all its replicas in sync."""
    ALARM_CHANGED = "alarm-changed"
    """A CloudWatch alarm has changed its state."""


@dataclass(frozen=True, slots=True)
class TruthEvent:
    """One real event."""

    at: float
    """Seconds since the epoch."""
    kind: TruthKind
    resource: str
    """The id of what it happened to: `i-0123456789abcdef0`."""
    text: str
    """One sentence that says all of it but the time."""


class TruthLog:
    """The writing end; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def record(self, kind: TruthKind, resource: str, text: str, *, at: float | None = None) -> None:
        """Append an event: `text` says what the resource does or what has happened to it.

        It is of now if `at` (seconds since the epoch) is not given.
        """
        event = TruthEvent(time.time() if at is None else at, kind, resource, f"{resource} {text}")
        with self._lock:
            self._file.write(json.dumps(asdict(event)) + "\n")
            self._file.flush()


def read(path: Path, since: float = 0) -> list[TruthEvent]:
    """The events at or after `since` (seconds since the epoch), in order of time.

    A line that is still being written is left for the next reading.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    events = [_event(line) for line in lines if line.endswith("\n")]
    return sorted((event for event in events if event.at >= since), key=lambda event: event.at)


def _event(line: str) -> TruthEvent:
    value = json.loads(line)
    return TruthEvent(value["at"], TruthKind(value["kind"]), value["resource"], value["text"])

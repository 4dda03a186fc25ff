"""The runs there were, and how reliable the system was over all of them, from their reports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.slo.intervals import Interval
from chaos.slo.outages import mean_time_between

_REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class WatchedTime:
    """For how long a source watched, in seconds, and what it saw."""

    source: str
    seconds: float
    outages: int
    downtime: float

    @property
    def mtbf(self) -> float:
        """Mean time between failures, in seconds; infinite where there was no outage."""
        return mean_time_between(self.seconds - self.downtime, self.outages)[0]

    @property
    def mtbf_interval(self) -> Interval:
        """The 95 % one, had outages come independently of each other."""
        return mean_time_between(self.seconds - self.downtime, self.outages)[1]

    @property
    def mttr(self) -> float | None:
        """Mean time to repair, in seconds; None where there was no outage."""
        return self.downtime / self.outages if self.outages else None


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run, as its `report.json` has it."""

    run_id: str
    title: str
    environment: str
    verdict: str
    ending: str
    started_at: float
    """Seconds since the epoch."""
    ended_at: float
    watched: tuple[WatchedTime, ...]
    """By the load and by each probe; empty where the report has none."""


def read_history(reports: Path) -> tuple[PastRun, ...]:
    """Every run below `reports` that has a readable report, the oldest first."""
    found = (_read(path) for path in reports.glob(f"*/{_REPORT}") if not path.parent.is_symlink())
    return tuple(sorted((run for run in found if run), key=lambda run: run.started_at))


def over_all(runs: Iterable[PastRun]) -> tuple[WatchedTime, ...]:
    """What each source saw in all of these runs together, by name."""
    seen: dict[str, list[WatchedTime]] = {}
    for run in runs:
        for watched in run.watched:
            seen.setdefault(watched.source, []).append(watched)
    return tuple(_together(source, parts) for source, parts in sorted(seen.items()))


def _together(source: str, parts: Iterable[WatchedTime]) -> WatchedTime:
    rows = [(part.seconds, part.outages, part.downtime) for part in parts]
    seconds, outages, downtime = zip(*rows, strict=True)
    return WatchedTime(source, sum(seconds), sum(outages), sum(downtime))


def _read(path: Path) -> PastRun | None:
    """None where the file is no report: torn by a crash, or another tool's."""
    try:
        report = json.loads(path.read_text("utf-8"))
        return PastRun(
            run_id=report["run_id"],
            title=report["title"],
            environment=report["environment"],
            verdict=report["verdict"],
            ending=report["ending"],
            started_at=report["started_at"],
            ended_at=report["ended_at"],
            watched=tuple(_watched(seen) for seen in _reliability(report)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _reliability(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Empty where the report was made before there was such a part."""
    seen: list[dict[str, Any]] = report.get("analysis", {}).get("reliability", [])
    return seen


def _watched(seen: dict[str, Any]) -> WatchedTime:
    lengths = [outage["seconds"] for outage in seen["outages"]]
    return WatchedTime(seen["source"], seen["watched_s"], len(lengths), sum(lengths))

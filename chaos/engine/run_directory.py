"""Where a run is written: `reports/<run id>/`, with `reports/latest` pointing at the newest."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from chaos.model.problems import EnvironmentUnusable

LATEST = "latest"


def make_run_directory(reports: Path, file: Path, now: float) -> Path:
    """A new directory named for the time (UTC) and the experiment's file; its name is the run id.

    Raises:
        EnvironmentUnusable: nothing can be written there.
    """
    time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    slug = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "run"
    try:
        reports.mkdir(parents=True, exist_ok=True)
        return _first_free(reports, f"{time}-{slug}")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EnvironmentUnusable(f"cannot write reports to {reports}: {reason}") from error


def _first_free(reports: Path, name: str) -> Path:
    """Two runs may begin in the same second."""
    number = 1
    while True:
        directory = reports / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
        else:
            return directory


def point_latest_at(directory: Path) -> None:
    """Let `latest` point at this run; atomically, so that it always points at one."""
    link = directory.parent / f".{LATEST}-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(directory.name)
    link.replace(directory.parent / LATEST)

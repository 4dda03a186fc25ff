"""A crontab."""

from __future__ import annotations

import shlex
from pathlib import Path

from chaos.gameday.export.timing import command, cron_of
from chaos.model.gameday_loading import LoadedGameDay


def render(loaded: LoadedGameDay, _image: str) -> str:
    """A line for `crontab -e`, with its time zone."""
    cron = cron_of(loaded, "cron")
    line = f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join(command(loaded))}"
    zone = str(loaded.gameday.timezone)
    return (
        f"# {loaded.gameday.title}\n"
        "# CRON_TZ is understood by cronie (Fedora, Red Hat, Arch) and FreeBSD's cron. Debian's\n"
        "# ignores it: there, set the machine's own zone, or use systemd.\n"
        f"CRON_TZ={zone}\n"
        f"{cron} {line.replace('%', chr(92) + '%')}\n"
    )

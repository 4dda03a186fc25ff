"""A service and a timer of systemd."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from chaos.gameday.export.timing import DAY_NAMES, Times, command, cron_of, schedule_of, times_of
from chaos.model.gameday import WhenMissed
from chaos.model.gameday_loading import LoadedGameDay

_STOP = 600
"""Seconds that a rollback may take when the service is stopped."""


def render(loaded: LoadedGameDay, _image: str) -> str:
    """Both units, each under the path where it belongs."""
    schedule = schedule_of(loaded)
    zone = loaded.gameday.timezone
    when = (
        [f"{schedule.at:%Y-%m-%d %H:%M:%S}"]
        if schedule.at
        else list(_calendar(times_of(cron_of(loaded, "systemd"))))
    )
    calendar = "\n".join(f"OnCalendar={one} {zone}" for one in when)
    persistent = "true" if schedule.missed is WhenMissed.RUN else "false"
    title = loaded.gameday.title.replace("%", "%%")
    words = shlex.join(command(loaded)[1:]).replace("%", "%%")
    return f"""\
# /etc/systemd/system/chaos-{loaded.name}.service
[Unit]
Description={title}

[Service]
Type=oneshot
WorkingDirectory={Path.cwd()}
ExecStart=/usr/bin/env chaos {words}
TimeoutStopSec={_STOP}

# /etc/systemd/system/chaos-{loaded.name}.timer
[Unit]
Description={title}

[Timer]
{calendar}
AccuracySec=1s
Persistent={persistent}

[Install]
WantedBy=timers.target
"""


def _calendar(times: Times) -> Iterator[str]:
    """Calendar events; two where a day of the month or one of the week is enough."""
    clock = f"{_list(times.hours)}:{_list(times.minutes)}:00"
    months = "*" if len(times.months) == 12 else _list(times.months)  # noqa: PLR2004 - a year
    days = "*" if times.any_day else _list(times.days)
    named = ",".join(DAY_NAMES[day].capitalize() for day in times.weekdays)
    weekdays = "" if times.any_weekday else f"{named} "
    if times.both or not weekdays or days == "*":
        yield f"{weekdays}*-{months}-{days} {clock}"
    else:
        yield f"*-{months}-{days} {clock}"
        yield f"{weekdays}*-{months}-* {clock}"


def _list(values: tuple[int, ...]) -> str:
    return ",".join(f"{value:02}" for value in values)

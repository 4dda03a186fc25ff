"""Finds what went wrong in a Locust log: the one line that a person needs."""

from __future__ import annotations

import re
from pathlib import Path

_PREFIX = re.compile(r"^\[[^\]]+\] [^/]*/(?P<level>[A-Z]+)/[^:]*: ")
_FRAME = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)')
_TRACEBACK = "Traceback (most recent call last):"


def complaint(log: str, locustfile: Path) -> str:
    """Locust's own words: the last exception, else its last error, else its last line.

    An exception is followed by its place in the user's file. Empty where the log says nothing.
    """
    lines = log.splitlines()
    return _exception(lines, locustfile) or _last_error(lines) or _last_line(lines)


def _exception(lines: list[str], locustfile: Path) -> str:
    starts = [number for number, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    if not starts:
        return ""
    place = ""
    for line in lines[starts[-1] + 1 :]:
        frame = _FRAME.match(line)
        if frame and Path(frame["file"]).name == locustfile.name:
            place = f" ({locustfile.name}, line {frame['line']})"
        if line and not line[0].isspace():
            return line + place
    return ""


def _last_error(lines: list[str]) -> str:
    for line in reversed(lines):
        prefix = _PREFIX.match(line)
        if prefix and prefix["level"] in {"ERROR", "CRITICAL"}:
            return line[prefix.end() :]
    return ""


def _last_line(lines: list[str]) -> str:
    said = [_PREFIX.sub("", line) for line in lines if line.strip()]
    return said[-1].strip() if said else ""

"""How many arrivals come when: a rate over time, as a sequence of legs."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chaos.model.problems import InvalidInput, Place, Problem

COLUMNS = ("second", "rate")
"""Of a recorded rate."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of time in which the rate changes evenly, or not at all."""

    seconds: float
    """How long it lasts; `math.inf` for one without end."""
    start: float
    """Arrivals per second at its beginning."""
    end: float
    """Arrivals per second at its end."""


Legs = tuple[Leg, ...]
"""One after the other. The rate at the end of the last one goes on as long as the load lasts."""


def steady(rate: float) -> Legs:
    """The same number of arrivals per second for ever."""
    return (Leg(math.inf, rate, rate),)


def read_recorded_rate(file: Path) -> Legs:
    """A rate from a CSV file: each row's rate holds from its second to that of the next row.

    Only the distances between the seconds count, so they may be seconds since the epoch.

    Raises:
        InvalidInput: the file cannot be read, or is not such a table.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = list(_rows(csv.DictReader(text, skipinitialspace=True), file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(Problem(f"cannot be read: {error}", file)) from error
    if not any(rate for _, rate in rows):
        raise InvalidInput(Problem("has no rate above 0", file))
    legs = [Leg(then - second, rate, rate) for (second, rate), (then, _) in pairwise(rows)]
    return (*legs, *steady(rows[-1][1]))


def _rows(table: csv.DictReader[str], file: Path) -> Iterator[tuple[float, float]]:
    if missing := [name for name in COLUMNS if name not in (table.fieldnames or ())]:
        message = f"has no column {' and no column '.join(missing)}; its first line is second,rate"
        raise InvalidInput(Problem(message, file, Place()))
    before = -math.inf
    for row in table:
        second, rate = (_number(row[name], name, file, table.line_num) for name in COLUMNS)
        if second <= before:
            message = f"second: {second:.15g} does not come after {before:.15g}"
            raise InvalidInput(Problem(message, file, Place(table.line_num)))
        before = second
        yield second, rate


def _number(text: str | None, name: str, file: Path, line: int) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if 0 <= number < math.inf:
        return number
    message = f"{name} must be a number of at least 0; found {text or 'nothing'}"
    raise InvalidInput(Problem(message, file, Place(line)))

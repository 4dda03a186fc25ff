"""CloudWatch's statistics of the values of one period.

Source: Amazon CloudWatch User Guide, "CloudWatch statistics definitions".
"""

from __future__ import annotations

import math
import re

from chaos.lab.cloudwatch.metric import Values

SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")

_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{0,10})?|100(\.0{0,10})?)")


def is_statistic(name: str) -> bool:
    """Whether it can be computed here: the simple ones, and percentiles such as `p99.9`."""
    return name in SIMPLE or _PERCENTILE.fullmatch(name) is not None


def statistic(name: str, values: Values) -> float | None:
    """The statistic of that name; None where the values do not tell it.

    There is none of no values, and no percentile of values that were given as sums.

    Raises:
        ValueError: there is no such statistic.
    """
    if not is_statistic(name):
        raise ValueError(f"no such statistic: {name}")
    if values.count <= 0:
        return None
    if name.startswith("p"):
        return _percentile(float(name[1:]), values)
    return {
        "SampleCount": values.count,
        "Average": values.total / values.count,
        "Sum": values.total,
        "Minimum": values.least,
        "Maximum": values.most,
    }[name]


def _percentile(percent: float, values: Values) -> float | None:
    """The least value that at least so many percent of all values do not exceed."""
    if values.times_of is None:
        return None
    wanted = math.ceil(values.count * percent / 100 - 1e-9)
    seen = 0.0
    for value in sorted(values.times_of):
        seen += values.times_of[value]
        if seen >= wanted:
            return value
    return values.most

"""When an alarm is in which state: a pure function of its rule, its data points and its past.

Source: Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms
treat missing data", whose tables are among the tests.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

EXTRA_PERIODS = 2
"""Periods beyond those to be evaluated that are looked at where data is missing. AWS does not say
how many it takes; this is the number in its examples."""

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
"""By the name that the API gives them."""


class AlarmState(StrEnum):
    """The state of an alarm, as the API names it."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What is made of a data point that is missing."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """What data points must be like for an alarm."""

    comparison: str
    """One of `COMPARISONS`."""
    threshold: float
    evaluation_periods: int
    """N: how many data points are evaluated."""
    datapoints_to_alarm: int
    """M: how many of them must breach the threshold."""
    missing: Missing = Missing.MISSING

    @property
    def range(self) -> int:
        """How many data points to look at: AWS's evaluation range."""
        return self.evaluation_periods + EXTRA_PERIODS

    def breaches(self, value: float) -> bool:
        """Whether a data point breaches the threshold."""
        return bool(COMPARISONS[self.comparison](value, self.threshold))


def evaluate(rule: AlarmRule, datapoints: Sequence[float | None], before: AlarmState) -> AlarmState:
    """The state that follows from the data points of the evaluation range, the oldest first.

    Missing ones are None. If enough are there, the latest of them count and it does not matter
    that others are missing; else as few as possible are filled in.
    """
    breaching = [None if value is None else rule.breaches(value) for value in datapoints]
    real = [one for one in breaching if one is not None][-rule.evaluation_periods :]
    lacking = rule.evaluation_periods - len(real)
    if rule.missing is Missing.BREACHING and lacking:
        return _state(sum(real) + lacking >= rule.datapoints_to_alarm)
    if not lacking or rule.missing is Missing.NOT_BREACHING or False in real:
        return _state(sum(real) >= rule.datapoints_to_alarm)
    return _without_enough(rule, breaching, before)


def _state(alarm: bool) -> AlarmState:
    return AlarmState.ALARM if alarm else AlarmState.OK


def _without_enough(
    rule: AlarmRule, breaching: Sequence[bool | None], before: AlarmState
) -> AlarmState:
    """The state where too few data points are there, and all that are there breach the threshold.

    An alarm whose oldest breach is old enough is not held back because later data is missing.
    """
    if sum(one is True for one in breaching) >= rule.datapoints_to_alarm:
        return AlarmState.ALARM
    if rule.missing is Missing.IGNORE:
        return before
    oldest = len(breaching) - breaching.index(True) if True in breaching else 0
    old_enough = oldest >= rule.datapoints_to_alarm
    return AlarmState.ALARM if old_enough else AlarmState.INSUFFICIENT_DATA

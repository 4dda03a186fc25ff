"""What aborts a run: an indicator or a probe over a sliding window, or a CloudWatch alarm."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chaos.model.problems import nearest
from chaos.model.units import Threshold, Unit, parse_duration, parse_threshold

_EXPRESSION = re.compile(
    r"(?P<sli>\w+)(?:\s+p(?P<percentile>\d+(?:\.\d+)?))?\s*"
    r"(?P<threshold>[<>]=?\s*\S+)\s+for\s+(?P<window>\S+)"
)
_FAILING_PROBE = re.compile(r"probe\s+(?P<probe>\S+)\s+fails\s+for\s+(?P<window>\S+)")
_BUDGET = re.compile(r"error_budget\s*(?P<threshold>[<>]=?\s*\S+)(?P<rest>.*)")
_UNITS = {"error_rate": Unit.RATIO, "availability": Unit.RATIO, "latency": Unit.SECONDS}
_HINT = (
    'write "error_rate > 60% for 10s", "latency p99 > 3s for 15s", '
    '"error_budget > 5%", "probe NAME fails for 5s", or alarm: NAME'
)


@dataclass(frozen=True, slots=True)
class SliCondition:
    """Breached where the indicator, over the whole last window, is beyond the threshold."""

    sli: str
    threshold: Threshold
    window: float
    """Seconds."""
    percentile: float | None = None
    """Of latency."""

    def __str__(self) -> str:
        percentile = f" p{self.percentile:g}" if self.percentile is not None else ""
        return f"{self.sli}{percentile} {self.threshold} for {self.window:g}s"


@dataclass(frozen=True, slots=True)
class BudgetCondition:
    """Breached where the run has spent more of a 30-day error budget than this, so far.

    The budget is that of the experiment's availability objective.
    """

    threshold: Threshold

    def __str__(self) -> str:
        return f"error_budget {self.threshold}"


@dataclass(frozen=True, slots=True)
class AlarmCondition:
    """Breached while the CloudWatch alarm is in state ALARM."""

    alarm: str
    """The alarm's name."""

    def __str__(self) -> str:
        return f"alarm: {self.alarm}"


@dataclass(frozen=True, slots=True)
class ProbeCondition:
    """Breached where every sample of the probe in the whole last window is bad."""

    probe: str
    """A name from `probes`."""
    window: float
    """Seconds."""

    def __str__(self) -> str:
        return f"probe {self.probe} fails for {self.window:g}s"


StopCondition = SliCondition | BudgetCondition | AlarmCondition | ProbeCondition


def parse_stop_condition(value: object) -> StopCondition:
    """Read an expression, `probe NAME fails for 5s`, or `{alarm: NAME}`.

    Raises:
        ValueError: it is neither, or its indicator, unit or window is wrong.
    """
    if isinstance(value, dict) and set(value) == {"alarm"} and isinstance(value["alarm"], str):
        return AlarmCondition(value["alarm"])
    if isinstance(value, str) and value.startswith("alarm:"):
        return AlarmCondition(value.removeprefix("alarm:").strip())
    if isinstance(value, str) and (failing := _FAILING_PROBE.fullmatch(value.strip())):
        return ProbeCondition(failing["probe"], parse_duration(failing["window"]))
    if isinstance(value, str) and (budget := _BUDGET.fullmatch(value.strip())):
        return _budget_condition(budget)
    found = _EXPRESSION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"not a stop condition; {_HINT}")
    return _sli_condition(found)


def _budget_condition(found: re.Match[str]) -> BudgetCondition:
    threshold = parse_threshold(found["threshold"])
    if found["rest"]:
        raise ValueError("error_budget counts the whole run: it takes no window")
    if threshold.unit is not Unit.RATIO or not threshold.at_least:
        raise ValueError("error_budget is what is spent, as a share: error_budget > 5%")
    return BudgetCondition(threshold)


def _sli_condition(found: re.Match[str]) -> SliCondition:
    sli = found["sli"]
    if sli not in _UNITS:
        raise ValueError(f"unknown indicator {sli}{nearest(sli, _UNITS)}")
    threshold = parse_threshold(found["threshold"])
    if threshold.unit is not _UNITS[sli]:
        wanted = "a percentage" if _UNITS[sli] is Unit.RATIO else "a duration"
        raise ValueError(f"{sli} is measured in {_UNITS[sli]}: write {wanted}")
    if (sli == "latency") != (found["percentile"] is not None):
        raise ValueError("latency, and only latency, needs a percentile: latency p99 > 3s for 15s")
    percentile = float(found["percentile"]) if found["percentile"] else None
    return SliCondition(sli, threshold, parse_duration(found["window"]), percentile)

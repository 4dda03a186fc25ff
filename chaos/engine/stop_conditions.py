"""Watching for what aborts a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaos.aws.factory import ClientFactory
from chaos.measure.recording import Recording, Slice
from chaos.measure.samples import Sample
from chaos.model.problems import Refused
from chaos.model.stop_condition import AlarmCondition, ProbeCondition, SliCondition, StopCondition

ASK_ALARMS_EVERY = 5.0
"""Seconds between two looks at the alarms."""


class StopConditions:
    """The stop conditions of one run."""

    def __init__(self, conditions: Sequence[StopCondition], clients: ClientFactory | None) -> None:
        self._slis = [c for c in conditions if isinstance(c, SliCondition)]
        self._probes = [c for c in conditions if isinstance(c, ProbeCondition)]
        self._alarms = [c.alarm for c in conditions if isinstance(c, AlarmCondition)]
        self._clients = clients
        self._ask_at = 0.0

    def refuse_unknown_alarms(self) -> None:
        """Make sure that every alarm exists.

        Raises:
            Refused: one does not, or there is no AWS to ask.
        """
        if self._alarms and self._clients is None:
            raise Refused("an alarm as a stop condition needs AWS; the environment has only a host")
        missing = set(self._alarms) - set(self._alarm_states())
        if missing:
            raise Refused(f"no such CloudWatch alarm: {', '.join(sorted(missing))}")

    def breached(
        self,
        load: Recording,
        samples: Mapping[str, Sequence[Sample]],
        measured_since: float,
        now: float,
    ) -> str | None:
        """The condition that is breached now, in words; None where all is well."""
        for condition in self._slis:
            if now - measured_since >= condition.window:
                seen = load.between(now - condition.window, now)
                value = _value(condition, seen)
                if value is not None and condition.threshold.holds_for(value):
                    return f"{condition} (it is {_shown(condition, value)})"
        for probe in self._probes:
            since = now - probe.window
            last = [s.good for s in samples.get(probe.probe, ()) if s.due_at + s.took > since]
            if since >= measured_since and last and not any(last):
                return str(probe)
        return self._alarm_in_alarm(now)

    def _alarm_in_alarm(self, now: float) -> str | None:
        if not self._alarms or now < self._ask_at:
            return None
        self._ask_at = now + ASK_ALARMS_EVERY
        ringing = [name for name, state in self._alarm_states().items() if state == "ALARM"]
        return f"alarm: {ringing[0]}" if ringing else None

    def _alarm_states(self) -> dict[str, str]:
        if self._clients is None or not self._alarms:
            return {}
        cloudwatch = self._clients.client("cloudwatch")
        answer = cloudwatch.describe_alarms(AlarmNames=self._alarms)
        kinds = ("MetricAlarms", "CompositeAlarms")
        return {a["AlarmName"]: a["StateValue"] for kind in kinds for a in answer.get(kind, ())}


def _value(condition: SliCondition, seen: Slice) -> float | None:
    match condition.sli:
        case "availability":
            return seen.availability
        case "error_rate":
            return seen.error_rate
        case _:
            return seen.response.quantile((condition.percentile or 0) / 100)


def _shown(condition: SliCondition, value: float) -> str:
    return f"{value:.2f} s" if condition.sli == "latency" else f"{value:.1%}"

"""Watching for what aborts a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from chaos.aws.factory import ClientFactory
from chaos.engine.load_feed import LoadFeed
from chaos.measure.recording import Slice
from chaos.measure.samples import Sample
from chaos.model.experiment import Experiment
from chaos.model.problems import Refused
from chaos.model.slo import strictest_availability
from chaos.model.stop_condition import (
    AlarmCondition,
    BudgetCondition,
    ProbeCondition,
    SliCondition,
)
from chaos.slo.budget import budget_factor

ASK_ALARMS_EVERY = 5.0
"""Seconds between two looks at the alarms."""


class StopConditions:
    """The stop conditions of one run."""

    def __init__(self, experiment: Experiment, clients: ClientFactory | None) -> None:
        conditions = experiment.stop_conditions
        self._target = strictest_availability(experiment.slos)
        self._budgets = [c for c in conditions if isinstance(c, BudgetCondition)]
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
        load: LoadFeed,
        samples: Mapping[str, Sequence[Sample]],
        measured_since: float,
        now: float,
    ) -> str | None:
        """The condition that is breached now, in words; None where all is well."""
        found = chain(
            self._breached_slis(load, measured_since, now),
            self._breached_budgets(load.measured, now - measured_since),
            self._failing_probes(samples, measured_since, now),
            self._ringing_alarms(now),
        )
        return next(found, None)

    def _breached_slis(self, load: LoadFeed, measured_since: float, now: float) -> Iterator[str]:
        """Over whole seconds: the last that are over, and what is known of the one that is not."""
        for condition in self._slis:
            since = math.floor(now) - math.ceil(condition.window)
            if since >= measured_since:
                seen = load.recording.between(since, now)
                value = _value(condition, seen)
                if value is not None and condition.threshold.holds_for(value):
                    yield f"{condition} (it is {_shown(condition, value)})"

    def _breached_budgets(self, so_far: Slice, seconds: float) -> Iterator[str]:
        bad = so_far.error_rate
        if self._target is None or bad is None:
            return
        spent = bad * budget_factor(seconds, self._target)
        for condition in self._budgets:
            if condition.threshold.holds_for(spent):
                yield f"{condition} at {self._target * 100:g}% (it is {spent:.2%})"

    def _failing_probes(
        self, samples: Mapping[str, Sequence[Sample]], measured_since: float, now: float
    ) -> Iterator[str]:
        for probe in self._probes:
            since = now - probe.window
            last = [s.good for s in samples.get(probe.probe, ()) if s.due_at + s.took > since]
            if since >= measured_since and last and not any(last):
                yield str(probe)

    def _ringing_alarms(self, now: float) -> Iterator[str]:
        if not self._alarms or now < self._ask_at:
            return
        self._ask_at = now + ASK_ALARMS_EVERY
        states = self._alarm_states()
        yield from (f"alarm: {name}" for name, state in states.items() if state == "ALARM")

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

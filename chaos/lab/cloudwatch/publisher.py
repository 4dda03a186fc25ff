"""Publishes the metrics of the lab's own parts, and has the alarms evaluated."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chaos.lab.cloudwatch.alarms import Alarms
from chaos.lab.cloudwatch.metric import Metric, Values
from chaos.lab.cloudwatch.store import MetricStore
from chaos.lab.settings import LabSettings

_GRACE = 0.5
"""Seconds; a part of the lab that hangs must not keep the lab from ending."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a part of the lab has to say of one of its metrics."""

    metric: Metric
    values: Values
    unit: str
    """As the API names it: `Count`, `Seconds`, `Percent`, `Bytes`."""


Source = Callable[[], Iterable[Measurement]]
"""Asked once in each period; what it counts, it counts since it was last asked."""


class Publisher:
    """A thread that does both, each in its own time."""

    def __init__(
        self,
        sources: Sequence[Source],
        store: MetricStore,
        alarms: Alarms,
        settings: LabSettings,
    ) -> None:
        self._sources = sources
        self._store = store
        self._alarms = alarms
        self._period = settings.metrics_period
        self._interval = settings.alarm_interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is given a moment."""
        self._stopped.set()
        self._thread.join(_GRACE)

    def _run(self) -> None:
        publish_at = evaluate_at = time.monotonic()
        while not self._stopped.wait(min(publish_at, evaluate_at) - time.monotonic()):
            now = time.monotonic()
            if now >= publish_at:
                publish_at = max(publish_at + self._period, now)
                self._publish()
            if now >= evaluate_at:
                evaluate_at = max(evaluate_at + self._interval, now)
                self._try(lambda: self._alarms.evaluate(time.time()))

    def _publish(self) -> None:
        """Ask each source; what it tells is of the period that is over."""
        begun = time.time() - self._period
        for source in self._sources:
            self._try(lambda source=source: self._put(source, begun))  # type: ignore[misc]

    def _put(self, source: Source, at: float) -> None:
        for one in source():
            self._store.put(one.metric, at, one.values, one.unit)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - the next period is another one
            traceback.print_exc()

"""Makes and records the load of one process: Locust's local runner or one of its workers."""

from __future__ import annotations

import gc
import time
from typing import Any

import gevent
from locust import User, runners

from chaos.load.inside import messages, timeouts
from chaos.load.inside.clock import EpochClock
from chaos.load.inside.closed_model import ClosedModel
from chaos.load.inside.load_model import LoadModel
from chaos.load.inside.open_model import OpenModel
from chaos.load.inside.pool import Pool
from chaos.load.inside.recorder import Recorder
from chaos.load.inside.report import Report, describe
from chaos.load.settings import LoadSettings

_MASTER_SILENCE = 10
"""Seconds without a word from the master after which a worker stops: it must not go on alone."""

_INTERVAL_BEFORE = 0.1
"""Seconds between reports until the load begins."""

_REPORT_DELAY = 0.05
"""Seconds after each whole second, so that most answers of that second are in the report."""

_DIGEST_INTERVAL = 0.05
"""Seconds; what is worked out at once delays arrivals that are due meanwhile."""

_DRAIN_INTERVAL = 0.02

_DRAIN_GRACE = 0.2
"""Seconds beyond the time-out, so that a request that is timed out is reported as what it was."""

_MOST_NOTICES = 20


def introduce(environment: Any) -> None:
    """Say hello to the controller until it answers, then do as it says."""
    runners.MASTER_HEARTBEAT_TIMEOUT = _MASTER_SILENCE
    runner = environment.runner
    agents: list[Agent] = []

    def on_setup(msg: Any, **_: Any) -> None:
        if not agents:
            clock = EpochClock.like(msg.data["now"], msg.data["asked_at"])
            agents.append(Agent(environment, LoadSettings.from_json(msg.data["settings"]), clock))

    def say_hello() -> None:
        while not agents:
            runner.send_message(messages.HELLO, {"asked_at": time.monotonic()})
            gevent.sleep(_INTERVAL_BEFORE)

    runner.register_message(messages.SETUP, on_setup)
    gevent.spawn(say_hello)


class Agent:
    """Has the load model and the recorder, and reports to the controller."""

    def __init__(self, environment: Any, settings: LoadSettings, clock: EpochClock) -> None:
        self._environment = environment
        self._runner = environment.runner
        self._settings = settings
        self._clock = clock
        self._recorder = Recorder(clock, settings)
        self._model = self._make_model()
        self._started = 0
        self._has_begun = False
        self._is_drained = False
        self._noticed: set[str] = set()
        self._notices: list[str] = []
        timeouts.enforce(settings.timeout)
        self._model.install(self._on_user_start)
        self._listen()
        gevent.spawn(self._report_regularly)
        gevent.spawn(self._digest_regularly)

    def _make_model(self) -> LoadModel:
        if self._settings.rate is None:
            return ClosedModel(self._runner)
        pool = Pool(self._recorder.record_unsent, self._on_full)
        return OpenModel(self._clock, self._recorder, pool, self._settings, self._replace)

    def _listen(self) -> None:
        events = self._environment.events
        events.request.add_listener(self._recorder.on_request)
        events.user_error.add_listener(self._on_user_error)
        events.cpu_warning.add_listener(self._on_cpu_warning)
        self._runner.register_message(messages.BEGIN, self._on_begin)
        self._runner.register_message(messages.FINISH, self._on_finish)

    def _on_begin(self, msg: Any, **_: Any) -> None:
        self._recorder.begin(msg.data["at"])
        self._model.begin(msg.data["at"], msg.data["index"], msg.data["of"])
        self._has_begun = True
        gc.freeze()  # What is there now stays: to look through it again would delay arrivals.

    def _on_finish(self, msg: Any, **_: Any) -> None:
        end = msg.data["at"]
        self._recorder.end(end)
        self._model.end(end)
        gevent.spawn(self._drain, end)

    def _drain(self, end: float) -> None:
        deadline = end + self._settings.timeout + _DRAIN_GRACE
        while (left := end - self._clock.now()) > 0:
            gevent.sleep(left)
        while self._clock.now() < deadline and not self._model.is_idle():
            gevent.sleep(_DRAIN_INTERVAL)
        self._model.write_off()
        self._is_drained = True
        self._report()
        self._recorder.stop()

    # -- what Locust says

    def _on_user_start(self, _: Any) -> None:
        self._started += 1

    def _on_user_error(self, user_instance: Any, exception: BaseException, **_: Any) -> None:
        doing = "a user could not start: " if isinstance(user_instance, User) else ""
        self._notice(doing + self._describe(exception))

    def _on_cpu_warning(self, **_: Any) -> None:
        self._notice("a Locust process uses all of its CPU core: give it more `processes`")

    def _on_full(self, users: int) -> None:
        self._notice(f"all {users} users were busy when an arrival was due: give it more `users`")

    def _replace(self, user: Any) -> None:
        gevent.spawn(self._runner.spawn_users, {type(user).__name__: 1})

    # -- what the controller hears

    def _notice(self, text: str) -> None:
        if text not in self._noticed and len(self._noticed) < _MOST_NOTICES:
            self._noticed.add(text)
            self._notices.append(text)

    def _report_regularly(self) -> None:
        while not self._is_drained:
            self._report()
            to_next_second = 1 - (self._clock.now() - _REPORT_DELAY) % 1
            gevent.sleep(to_next_second if self._has_begun else _INTERVAL_BEFORE)

    def _digest_regularly(self) -> None:
        while not self._is_drained:
            self._recorder.digest()
            gevent.sleep(_DIGEST_INTERVAL)

    def _report(self) -> None:
        recording = self._recorder.flush(is_last=self._is_drained)
        notices = self._notices
        self._notices = []
        report = Report(
            users=self._runner.user_count,
            started=self._started,
            drained=self._is_drained,
            error=self._spawn_error(),
            notices=notices,
            recording=recording.to_json() if recording else None,
        )
        self._runner.send_message(messages.REPORT, report.to_json())

    def _spawn_error(self) -> str:
        """Why Locust could not make users, where it could not: it only logs that and goes on."""
        spawning = self._runner.spawning_greenlet
        if spawning is None or not spawning.ready() or spawning.successful():
            return ""
        return self._describe(spawning.exception)

    def _describe(self, error: BaseException) -> str:
        return describe(error, self._environment.locustfile)

"""Speaks with the engine and with the agents, in the process that the engine started."""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

import gevent
from gevent import getcurrent
from gevent.event import AsyncResult, Event
from locust import User
from locust.runners import MasterRunner

from chaos.load.channel import Kind
from chaos.load.inside import messages
from chaos.load.inside.clock import EpochClock
from chaos.load.inside.link import EngineLink
from chaos.load.inside.report import Report
from chaos.load.settings import LoadSettings

_LOOK_INTERVAL = 0.02
_WATCH_INTERVAL = 1.0

_DRAIN_GRACE = 2.0
"""Seconds beyond the time-out for the last reports to arrive."""

_GOODBYE = 2.0
"""Seconds to stop properly once the engine is gone."""


@dataclass(slots=True)
class _Node:
    """An agent, as far as it is known."""

    report: Report | None = None
    """The latest one since the users were spawned."""
    is_drained: bool = False
    is_lost: bool = False


class Controller:
    """Holds Locust back until load is wanted; stops it when the engine says so, or is gone."""

    def __init__(self, environment: Any, link: EngineLink) -> None:
        self._environment = environment
        self._runner = environment.runner
        self._link = link
        self._clock = EpochClock()
        self._inbox = link.messages()
        self._settings = LoadSettings.from_json(next(self._inbox)[1])
        self._begin: AsyncResult = AsyncResult()
        self._finished = Event()
        self._nodes: dict[str, _Node] = {}
        self._is_spawned = False
        self._is_ready = False
        self._is_finishing = False
        self._last_notice = ""
        self._runner.register_message(messages.HELLO, self._on_hello)
        self._runner.register_message(messages.REPORT, self._on_report)
        environment.events.spawning_complete.add_listener(self._on_spawned)
        environment.events.test_stopping.add_listener(self._on_test_stopping)

    # -- the start

    def hold(self) -> None:
        """Return when Locust may spawn users, having told it how many."""
        logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)
        gevent.spawn(self._obey_engine)
        self._environment.parsed_options.run_time = None
        if problem := self._problem():
            self._give_up(problem)
        self._await_agents()
        gevent.spawn(self._watch_agents)
        if self._settings.rate is not None:
            self._spawn_pool()
        else:
            self._await_begin()

    def _problem(self) -> str:
        """What is wrong with the Locust file for this load."""
        if self._settings.rate is None:
            has_users = self._settings.users or self._environment.shape_class
            return "" if has_users else "give rate or users: the file has no LoadTestShape"
        for user in self._environment.user_classes:
            if user.run is not User.run:
                return f"{user.__name__} does not run tasks, so it cannot take arrivals: give users"
        return ""

    def _await_agents(self) -> None:
        """Wait until every process that is to make load has said hello."""
        expected = max(1, self._settings.expected_workers)
        deadline = self._clock.now() + self._settings.worker_wait
        while len(self._nodes) < expected:
            if self._is_finishing:
                sys.exit(0)
            if self._clock.now() > deadline:
                came = f"{len(self._nodes)} of {expected} Locust workers"
                self._give_up(f"{came} connected within {self._settings.worker_wait:g} s")
            gevent.sleep(_LOOK_INTERVAL)

    def _spawn_pool(self) -> None:
        """Open model: the users wait for arrivals before the load begins."""
        pool = self._settings.pool
        prepares = any(user.on_start is not User.on_start for user in self._runner.user_classes)
        at_once = self._settings.spawn_rate or pool
        self._spawn(pool, self._settings.gentle_spawn_rate if prepares else at_once)

    def _await_begin(self) -> None:
        """Closed model: spawning the users is the beginning."""
        self._link.say(Kind.READY)
        at = self._begin.get()
        if at is None:
            sys.exit(0)
        gevent.sleep(max(0.0, at - self._clock.now()))
        if self._settings.users is not None:
            self._spawn(self._settings.users, self._settings.spawn_rate or self._settings.users)

    def _spawn(self, users: int, spawn_rate: float) -> None:
        options = self._environment.parsed_options
        options.num_users, options.spawn_rate = users, spawn_rate
        self._environment.shape_class = None

    def _give_up(self, why: str) -> None:
        self._link.say(Kind.ERROR, why)
        sys.exit(1)

    # -- the engine

    def _obey_engine(self) -> None:
        for kind, value in self._inbox:
            if kind is Kind.BEGIN:
                self._on_begin(value)
            elif kind is Kind.FINISH:
                gevent.spawn(self._finish_and_quit, value)
        self._abandon()

    def _on_begin(self, at: float) -> None:
        nodes = [name for name, node in self._nodes.items() if not node.is_lost]
        for index, name in enumerate(nodes):
            self._send(messages.BEGIN, name, {"at": at, "index": index, "of": len(nodes)})
        self._begin.set(at)

    def _finish_and_quit(self, at: float) -> None:
        self._finish(at)
        self._link.say(Kind.DONE)
        if not self._begin.ready():
            self._begin.set(None)
        self._runner.greenlet.kill(block=False)  # What Locust's main function waits for.

    def _finish(self, at: float) -> None:
        """Let the agents drain; returns when all that still live have reported all."""
        self._is_finishing = True
        shape = self._runner.shape_greenlet
        if shape is not None and shape is not getcurrent():
            shape.kill(block=False)
        for name in self._nodes:
            self._send(messages.FINISH, name, {"at": at})
        deadline = at + self._settings.timeout + _DRAIN_GRACE
        while not self._is_drained() and self._clock.now() < deadline:
            gevent.sleep(_LOOK_INTERVAL)
        self._finished.set()

    def _is_drained(self) -> bool:
        return all(node.is_drained or node.is_lost for node in self._nodes.values())

    def _on_test_stopping(self, **_: Any) -> None:
        """Locust stops by itself. Where the file's load shape says so, that is as it should be."""
        if self._is_finishing:
            self._finished.wait()  # Locust would end the users with their requests.
        elif getcurrent() is self._runner.shape_greenlet:
            self._finish(self._clock.now())
            self._link.say(Kind.OVER)

    def _abandon(self) -> None:
        """The engine is gone: no load without it. Workers elsewhere are told, those here end."""
        with gevent.Timeout(_GOODBYE, exception=False):
            self._runner.quit()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    # -- the agents

    def _send(self, message: str, name: str, data: dict[str, Any]) -> None:
        self._runner.send_message(message, data, client_id=name)

    def _on_hello(self, msg: Any, **_: Any) -> None:
        name = msg.node_id
        self._nodes.setdefault(name, _Node())
        answer = {
            "settings": self._settings.to_json(),
            "now": self._clock.now(),
            "asked_at": msg.data["asked_at"],
        }
        self._send(messages.SETUP, name, answer)
        if self._begin.ready() and self._settings.rate is None:  # Too late for a share of a rate.
            self._send(messages.BEGIN, name, {"at": self._begin.get(), "index": 0, "of": 1})

    def _on_report(self, msg: Any, **_: Any) -> None:
        node = self._nodes.get(msg.node_id)
        if node is None:
            return
        report = Report.from_json(msg.data)
        if report.recording:
            self._link.say(Kind.SLICES, report.recording)
        for text in report.notices:
            self._notice(text)
        if report.error:
            self._link.say(Kind.ERROR, report.error)
        node.is_drained |= report.drained
        if self._is_spawned:
            node.report = report
            self._judge_users()

    def _on_spawned(self, **_: Any) -> None:
        """From here on reports count; older ones may be from before the users were there."""
        self._is_spawned = True
        for node in self._nodes.values():
            node.report = None

    def _judge_users(self) -> None:
        """Whether all users have come to their first task, or none ever will."""
        reports = [node.report for node in self._nodes.values() if not node.is_lost]
        if any(report is None for report in reports):
            return
        users = sum(report.users for report in reports if report)
        started = sum(report.started for report in reports if report)
        if users == started == 0:
            self._link.say(Kind.ERROR, f"not one user could start. {self._last_notice}")
        elif started >= users and not self._is_ready and self._settings.rate is not None:
            self._is_ready = True
            self._link.say(Kind.READY)

    def _watch_agents(self) -> None:
        """Take note of workers that died: Locust itself only logs it."""
        while isinstance(self._runner, MasterRunner):
            gevent.sleep(_WATCH_INTERVAL)
            if self._is_drained():
                return
            for name, node in self._nodes.items():
                if not node.is_lost and not self._lives(name):
                    node.is_lost = True
                    self._notice(f"a Locust worker was lost: {name}")
            if all(node.is_lost for node in self._nodes.values()):
                self._link.say(Kind.ERROR, "all Locust workers were lost")

    def _lives(self, name: str) -> bool:
        client = self._runner.clients.get(name)
        return client is not None and client.state != "missing"

    def _notice(self, text: str) -> None:
        self._last_notice = text
        self._link.say(Kind.NOTICE, text)

"""Brings the agent and the controller into a Locust process."""

from __future__ import annotations

import os
import socket
from typing import Any

import gevent
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from chaos.load.channel import CHANNEL_VARIABLE
from chaos.load.inside.agent import introduce
from chaos.load.inside.controller import Controller
from chaos.load.inside.link import EngineLink

_WATCH_INTERVAL = 0.5
"""Seconds between two looks at whether the parent still lives."""


def install() -> None:
    """Ask Locust to call back once its runner exists.

    Locust forks the workers of `--processes` after it has loaded its files: then they too have the
    channel, but it is not theirs.
    """
    handle = os.environ.pop(CHANNEL_VARIABLE, None)
    channel = socket.socket(fileno=int(handle)) if handle else None
    started_by_engine = os.getpid()

    def on_init(environment: Any, runner: Any, **_: Any) -> None:
        is_worker = isinstance(runner, WorkerRunner)
        if channel and is_worker:
            channel.close()
            gevent.spawn(_die_with, started_by_engine)
        if not isinstance(runner, MasterRunner):
            introduce(environment)
        if channel and not is_worker:
            Controller(environment, EngineLink(channel)).hold()

    locust_events: Any = events  # Typed in part.
    locust_events.init.add_listener(on_init)


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        gevent.sleep(_WATCH_INTERVAL)
    os._exit(1)

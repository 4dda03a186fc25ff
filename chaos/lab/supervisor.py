"""The process that all others of a lab hang on: brings them up, and takes them down."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.lab.balancer.node import Node
from chaos.lab.database.postgres import install
from chaos.lab.database.template import Template
from chaos.lab.directory import LabDirectory
from chaos.lab.fabric.client import FabricClient
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthKind
from chaos.lab.warden import FAREWELL

if TYPE_CHECKING:
    from chaos.lab.world import World

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")

_WATCH_EVERY = 0.2
_POLL_EVERY = 0.02

_MOTO_SETTINGS = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # Hundreds of images, which take time to load.
    "AWS_CONFIG_FILE": os.devnull,  # The stack is made with the lab's credentials alone.
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class LabFailedError(Exception):
    """The lab cannot go on; the message says why."""


class Supervisor:
    """One lab's life, from start to end."""

    def __init__(self, directory: Path, ready: int, *, has_owner: bool) -> None:
        self._began = time.monotonic()
        self._files = LabDirectory(directory)
        self._files.session.write_text(str(os.getsid(0)))
        self._ready = os.fdopen(ready, "w")
        # Not an Event: a signal's handler that sets one would wait for the lock of its own wait.
        self._end: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._parts: dict[str, float] = {}
        self._warden, self._warden_pipe = _start_warden(directory)
        self._children: list[subprocess.Popen[bytes]] = [self._warden]
        self._world: World | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._end.put(None))
        if has_owner:
            threading.Thread(target=self._follow_owner, name="owner", daemon=True).start()

    def run(self) -> int:
        """Live until told to end; returns the exit status, with nothing left behind."""
        status = 0
        try:
            self._come_up()
            self._keep_together()
        except Exception as error:  # noqa: BLE001 - whoever waits for the lab is told
            traceback.print_exc()
            self._say("failed", str(error))
            status = 1
        self._take_down()
        return status

    def _come_up(self) -> None:
        settings = LabSettings.from_mapping(json.loads(self._files.settings.read_text()))
        deadline = self._began + settings.start_timeout
        fabric, nodes = self._start_network(settings)
        template = Template(install(self._files.path))
        self._world = self._make_world(settings, fabric, nodes, template, deadline)
        self._world.start()
        self._note("AWS API answers")
        self._world.build_stack()
        self._note("stack made")
        self._await(self._world.all_serve, deadline, "the instances do not serve")
        self._note("instances serve")
        self._await(self._world.all_healthy, deadline, "the targets do not become healthy")
        self._note("targets healthy")
        self._await(self._world.all_cached, deadline, "the cache does not become available")
        self._world.watch_nodes()
        self._announce(self._world)

    def _start_network(self, settings: LabSettings) -> tuple[FabricClient, list[Node]]:
        """Start what needs no moto, so that it comes up while moto is being imported."""
        fabric = FabricClient()
        nodes = [Node(zone, self._files.path / zone, settings) for zone in ZONES]
        self._children += [fabric.process, *(node.process for node in nodes)]
        return fabric, nodes

    def _make_world(
        self,
        settings: LabSettings,
        fabric: FabricClient,
        nodes: list[Node],
        template: Template,
        deadline: float,
    ) -> World:
        os.environ.update(_MOTO_SETTINGS)
        from chaos.lab.world import World

        self._note("moto imported")
        for node in nodes:
            node.await_ready(deadline)
        self._note("load balancer up")
        return World(self._files, settings, fabric, nodes, template)

    def _await(self, condition: Callable[[], bool], deadline: float, otherwise: str) -> None:
        while not condition():
            self._check_children()
            if self._told_to_end(_POLL_EVERY):
                raise LabFailedError("told to end before it was up")
            if time.monotonic() > deadline:
                raise LabFailedError(otherwise)

    def _announce(self, world: World) -> None:
        state = {**world.address(), "pid": os.getpid(), "start_parts": self._parts}
        self._files.write_state(state)
        world.truth.record(TruthKind.LAB_READY, "lab", "is ready: all targets are healthy")
        self._say("ready", "")
        self._ready.close()

    def _keep_together(self) -> None:
        while not self._told_to_end(_WATCH_EVERY):
            self._check_children()

    def _told_to_end(self, within: float) -> bool:
        try:
            self._end.get(timeout=within)
        except queue.Empty:
            return False
        return True

    def _check_children(self) -> None:
        for child in self._children:
            if child.poll() is not None:
                raise LabFailedError(f"a process that the lab needs has ended: {child.args!r}")
        if self._world and self._world.failed:
            raise LabFailedError("the lab cannot follow the API any more")

    def _take_down(self) -> None:
        """Kill the machines and all others, and leave the rest to the warden."""
        if self._world:
            self._world.stop()
        for child in self._children:
            if child is not self._warden:
                child.kill()
                child.wait()
        os.write(self._warden_pipe, FAREWELL)
        os.close(self._warden_pipe)
        self._warden.wait()

    def _follow_owner(self) -> None:
        while os.read(0, 64):
            pass
        self._end.put(None)

    def _note(self, part: str) -> None:
        self._parts[part] = round(time.monotonic() - self._began, 3)
        self._say("progress", part)

    def _say(self, kind: str, text: str) -> None:
        """Tell whoever waits for the lab, if anybody still does."""
        if self._ready.closed:
            return
        try:
            self._ready.write(json.dumps({kind: text}) + "\n")
            self._ready.flush()
        except BrokenPipeError:
            self._end.put(None)


def _start_warden(directory: Path) -> tuple[subprocess.Popen[bytes], int]:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-S", "-m", "chaos.lab.warden", str(directory)],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        process_group=0,  # Out of reach of what is meant for the supervisor's group.
    )
    os.close(reading)
    return process, writing

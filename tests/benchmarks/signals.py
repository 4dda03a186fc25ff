"""Each signal at each point of a run of each action: what is left changed afterwards.

Against moto here; `signals_in_lab` does the same in the lab.
"""

from __future__ import annotations

import itertools
import logging
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from chaos.aws.clients import connect
from chaos.model.environment import Environment
from tests.aws_world import World
from tests.chaos_command import Chaos
from tests.conftest import CREDENTIALS
from tests.interrupted_runs import ACTIONS, ARMED, POINTS, SIGNALS, Point, interrupt

Unchanged = Callable[[], AbstractContextManager[None]]
"""What fails if something is left changed by what is done inside."""


def main() -> None:
    """Every point of every signal and action, against moto."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        world = World(connect(Environment(region="us-east-1", endpoint_url=endpoint), CREDENTIALS))
        measure(lambda chaos: chaos.use_api(world.aws, ARMED), world.unchanged)
    finally:
        server.stop()


def measure(prepare: Callable[[Chaos], None], unchanged: Unchanged) -> None:
    """Print a line for each action and signal; `prepare` lets the command reach the API."""
    total: Counter[str] = Counter()
    for action, number in itertools.product(ACTIONS, SIGNALS):
        began, seen = time.monotonic(), Counter[str]()
        for point in POINTS:
            troubles = _troubles(prepare, unchanged, action, number, point)
            seen += Counter(runs=1, wrong=bool(troubles))
            for trouble in troubles:
                print(f"  {action} {number.name} at {point}: {trouble}", flush=True)
        _print(f"{action} {number.name}", seen, time.monotonic() - began)
        total += seen
    _print("all", total, 0.0)


def _troubles(
    prepare: Callable[[Chaos], None],
    unchanged: Unchanged,
    action: str,
    number: signal.Signals,
    point: Point,
) -> list[str]:
    """What was left changed, and what else went wrong, of one run."""
    with tempfile.TemporaryDirectory() as directory:
        chaos = Chaos(Path(directory))
        prepare(chaos)
        try:
            with unchanged():
                ended = interrupt(chaos, action, number, point)
        except AssertionError as error:
            return [f"left changed: {error}"]
        return ended.troubles


def _print(name: str, seen: Counter[str], seconds: float) -> None:
    took = f", {seconds:.0f} s" if seconds else ""
    print(f"{name:<45} {seen['runs']:>3} runs, {seen['wrong']} went wrong{took}", flush=True)

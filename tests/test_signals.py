"""A real signal at any point of a real run: nothing stays broken.

All of the points for each action and signal: `python -m tests.benchmarks signals`.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.aws_world import World
from tests.chaos_command import Chaos
from tests.interrupted_runs import ACTIONS, ARMED, POINTS, SIGNALS, Point, interrupt

POLITE = (signal.SIGINT, signal.SIGTERM)

CASES = [
    (action, number, POINTS[(4 + 3 * one + 6 * SIGNALS.index(number)) % len(POINTS)])
    for one, action in enumerate(ACTIONS)
    for number in (POLITE[one % 2], signal.SIGKILL)
]
"""Two points for each action, spread so that each kill comes while something is open."""


@pytest.mark.parametrize(
    ("action", "number", "point"),
    CASES,
    ids=[f"{action}-{number.name}-{point}" for action, number, point in CASES],
)
def test_an_interrupted_run_leaves_everything_as_it_was(
    world: World, tmp_path: Path, action: str, number: signal.Signals, point: Point
) -> None:
    """After its own end, or after `chaos recover` if it was killed outright; schedules included."""
    chaos = Chaos(tmp_path)
    chaos.use_api(world.aws, ARMED)
    with world.unchanged():
        ended = interrupt(chaos, action, number, point)
        assert not ended.troubles, "\n".join(ended.troubles)

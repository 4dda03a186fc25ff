"""Ten thousand runs in which everything goes wrong leave the fleet as it was."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.crash_schedules import survives

BLOCKS = 10
IN_A_BLOCK = 1_000


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dice=st.randoms(use_true_random=False))
def test_any_schedule_is_recovered_from(dice: random.Random) -> None:
    """Drawn by Hypothesis, which looks for the smallest that fails."""
    with tempfile.TemporaryDirectory() as name:
        survives(dice, Path(name))


@pytest.mark.many
@pytest.mark.parametrize("block", range(BLOCKS))
def test_ten_thousand_schedules_are_recovered_from(block: int, tmp_path: Path) -> None:
    """Drawn by plain dice, which are quicker; the seed of one that fails is told."""
    for seed in range(block * IN_A_BLOCK, (block + 1) * IN_A_BLOCK):
        directory = tmp_path / str(seed)
        directory.mkdir()
        try:
            survives(random.Random(seed), directory)
        except AssertionError as error:
            raise AssertionError(f"schedule {seed}: {error}") from error

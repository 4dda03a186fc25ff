"""Which experiments run on one game day, and in which order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from chaos.model.gameday import ExperimentUse, Order
from chaos.model.gameday_loading import LoadedGameDay


@dataclass(frozen=True, slots=True)
class Chosen:
    """One experiment of a day."""

    position: int
    """From 1."""
    use: ExperimentUse
    file: Path


def choose_experiments(loaded: LoadedGameDay, day_id: str) -> tuple[Chosen, ...]:
    """The experiments of that day; the same id and seed give the same ones."""
    gameday = loaded.gameday
    draw = random.Random(f"{gameday.seed_text}/{day_id}")
    pairs = list(zip(gameday.experiments, loaded.experiments, strict=True))
    if gameday.choose is not None:
        pairs = _some_of_each_group(pairs, gameday.choose, draw)
    if gameday.order is Order.RANDOM:
        draw.shuffle(pairs)
    return tuple(Chosen(n, use, file) for n, (use, file) in enumerate(pairs, 1))


def _some_of_each_group(
    pairs: list[tuple[ExperimentUse, Path]], count: int, draw: random.Random
) -> list[tuple[ExperimentUse, Path]]:
    """In the written order; those without a group make up one."""
    groups: dict[str, list[int]] = {}
    for index, (use, _) in enumerate(pairs):
        groups.setdefault(use.group, []).append(index)
    taken = {
        index
        for members in groups.values()
        for index in draw.sample(members, min(count, len(members)))
    }
    return [pair for index, pair in enumerate(pairs) if index in taken]

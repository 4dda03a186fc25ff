"""Choosing how a run is shown: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from chaos.engine.observer import Observer


@contextmanager
def watch(title: str, *, plain: bool = False) -> Iterator[Observer]:
    """Something to show the run with, for as long as it lasts."""
    from rich.console import Console

    from chaos.terminal.live import LiveObserver
    from chaos.terminal.plain import PlainObserver

    console = Console()
    if plain or not console.is_terminal:
        yield PlainObserver()
    else:
        with LiveObserver(title, console) as live:
            yield live


def say(text: str) -> None:
    """One line about what takes time, before and after the run."""
    now = datetime.now().astimezone().strftime("%H:%M:%S")
    print(f"{now}  {text}", file=sys.stderr, flush=True)

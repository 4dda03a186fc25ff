"""The locks that runs on other machines may have: those of the environments of `chaos.toml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from chaos.engine.clock import SystemClock
from chaos.engine.shared_lock import SharedLock
from chaos.environments import open_existing
from chaos.model.environment import find_settings_file, load_settings
from chaos.model.problems import ChaosError

Say = Callable[[str], None]


def shared_locks(config: Path | None, say: Say) -> Iterator[SharedLock]:
    """The lock of each environment that shares one; `say` is told of those out of reach."""
    try:
        settings = load_settings(config or find_settings_file(Path.cwd()))
    except ChaosError as error:
        say(str(error))
        return
    for name in [name for name, one in settings.environments.items() if one.lock is not None]:
        try:
            environment = open_existing(name, settings)
        except ChaosError as error:
            say(f"environment {name} is out of reach: {error}")
            continue
        if environment is not None and environment.lock_store is not None:
            yield SharedLock(environment.lock_store, environment.identity, SystemClock(), say)

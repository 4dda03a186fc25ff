"""The same schedule for schedulers that a team already has."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.model.gameday_loading import LoadedGameDay

FORMATS = ("cron", "systemd", "github", "kubernetes", "eventbridge")
"""Each is a module of this package with `render(loaded, image)`."""


def export(loaded: LoadedGameDay, to: str, image: str) -> str:
    """The text of a file for that scheduler; it starts `chaos gameday run FILE --scheduled`.

    Raises:
        InvalidInput: the schedule cannot be said in that format.
    """
    module = importlib.import_module(f"chaos.gameday.export.{to}")
    text: str = module.render(loaded, image)
    return text

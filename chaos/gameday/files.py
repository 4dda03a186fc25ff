"""The files that a scheduler serves, as they are now: a change counts from the next look on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from chaos.model.gameday_loading import LoadedGameDay, load_gameday
from chaos.model.problems import InvalidInput, Problem


class WatchedFiles:
    """Game days by their files; of a file that has become invalid, the last valid one stays."""

    def __init__(self, files: Sequence[Path], say: Callable[[str], None]) -> None:
        """Read them all.

        Raises:
            InvalidInput: one is not valid, or two have the same name.
        """
        self._say = say
        self._last = {file: load_gameday(file) for file in files}
        self._said: dict[Path, str] = {}
        twice = [
            name for name, n in Counter(one.name for one in self._last.values()).items() if n > 1
        ]
        if twice:
            raise InvalidInput(
                Problem(f"two files are called {twice[0]}; their ids would be the same")
            )

    def read(self) -> list[LoadedGameDay]:
        """All of them, now."""
        for file in self._last:
            try:
                self._last[file] = load_gameday(file)
                self._said.pop(file, None)
            except InvalidInput as error:
                if self._said.get(file) != str(error):
                    self._said[file] = str(error)
                    self._say(f"{file} is not valid any more; what it was before goes on:\n{error}")
        return list(self._last.values())

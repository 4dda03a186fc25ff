"""Experiment files as tests."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from chaos.model.loading import LoadedExperiment

_TOP_LEVEL_KEY = re.compile(r"^([a-z_]+)[ \t]*:(?:\s|$)", re.MULTILINE)

_TELLING = frozenset(
    {
        "title",
        "load",
        "phases",
        "probes",
        "steady_state",
        "slos",
        "actions",
        "stop_conditions",
        "blast_radius",
    }
)
"""Keys of an experiment; two of them make a file one, as no other kind of YAML file has two."""


def is_experiment(file: Path) -> bool:
    """Whether the file is meant to be an experiment, right or wrong.

    Its text is looked at, not parsed: other people's YAML has tags, templates and errors.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return len(_TELLING & set(_TOP_LEVEL_KEY.findall(text))) > 1


class ExperimentFile(pytest.File):
    """A file with one experiment in it."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test, named by the experiment's title.

        Raises:
            CollectError: something is wrong with the experiment.
        """
        from chaos.model.problems import ChaosError
        from chaos.testing.session import ChaosSession

        try:
            loaded = ChaosSession.of(self.config).load(self.path, {})
        except ChaosError as error:
            here = f"{self.config.invocation_params.dir}{os.sep}"
            raise self.CollectError(str(error).replace(here, "")) from None
        title = " ".join(loaded.experiment.title.split())
        yield ExperimentItem.from_parent(self, name=title, loaded=loaded)


class ExperimentItem(pytest.Item):
    """An experiment; its tags are markers."""

    def __init__(self, *, loaded: LoadedExperiment, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]  # what pytest gives to all items
        self._loaded = loaded
        self.add_marker("chaos")
        for marker in map(_marker, loaded.experiment.tags):
            self.config.addinivalue_line("markers", f"{marker}: a tag of experiments")
            self.add_marker(marker)

    def runtest(self) -> None:
        """Run it, and fail unless it passes."""
        from chaos.testing.running import run_for
        from chaos.testing.session import ChaosSession

        run_for(self, ChaosSession.of(self.config), self._loaded)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException]) -> str | TerminalRepr:  # type: ignore[override]
        """What went wrong, without a traceback: there is no code of the user's in it."""
        if isinstance(excinfo.value, pytest.fail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style="short")

    def reportinfo(self) -> tuple[Path, None, str]:
        """The file, and the title."""
        return self.path, None, self.name


def _marker(tag: str) -> str:
    """A tag as `-m` can name it."""
    return re.sub(r"[^\w.:/+-]+", "-", tag).strip("-_") or "untitled"

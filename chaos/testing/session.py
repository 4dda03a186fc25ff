"""What the tests of one session share: the environment, and the lab where that is it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaos.commands.options import Choice, read_experiment
from chaos.engine.environment import OpenEnvironment
from chaos.engine.recovery import unfinished_runs
from chaos.environments import in_lab, open_environment
from chaos.model.loading import LoadedExperiment
from chaos.model.problems import Refused
from chaos.testing.options import Options, read_options

if TYPE_CHECKING:
    from chaos.lab.handle import LabHandle

_SESSION = pytest.StashKey["ChaosSession"]()


class ChaosSession:
    """One per process: with pytest-xdist each worker has its own."""

    @classmethod
    def of(cls, config: pytest.Config) -> ChaosSession:
        """The one of this process; made when it is first needed.

        Raises:
            InvalidInput: an option, or `chaos.toml`, is wrong.
        """
        if _SESSION not in config.stash:
            config.stash[_SESSION] = cls(config)
        return config.stash[_SESSION]

    def __init__(self, config: pytest.Config) -> None:
        self.options: Options = read_options(config)
        self._config = config
        self._cleanup = ExitStack()
        self._config.add_cleanup(self._cleanup.close)
        self._environment: OpenEnvironment | None = None
        self._lab: LabHandle | None = None
        self._in_use = False
        self._looked_for_wrecks = False

    def load(self, file: Path, variables: Mapping[str, Any]) -> LoadedExperiment:
        """Read and check an experiment; `variables` win over all others.

        Raises:
            InvalidInput: with every problem of the file.
        """
        return read_experiment(file, self._choice_with(variables))

    def _choice_with(self, variables: Mapping[str, Any]) -> Choice:
        """What `--chaos-var` gives need not be in every file; what a test gives must be in its."""
        choice = self.options.choice
        given = {**choice.environment.variables, **choice.variables}
        environment = choice.environment.model_copy(update={"variables": given})
        return replace(choice, environment=environment, variables=dict(variables))

    @contextmanager
    def environment(self) -> Iterator[OpenEnvironment]:
        """The environment, ready for one run; all tests of the session share it.

        Raises:
            EnvironmentUnusable: AWS does not answer, the account is another one, no lab comes up.
            Refused: this test is running something there already.
        """
        if self._in_use:
            raise Refused("a run within a run: put all faults into one experiment")
        self._in_use = True
        try:
            self._tell_of_wrecks()
            environment = self._opened()
            environment.truth()  # What has happened since the last run belongs to none.
            yield environment
        finally:
            self._in_use = False

    def _tell_of_wrecks(self) -> None:
        for unfinished in () if self._looked_for_wrecks else unfinished_runs(self.options.reports):
            name = unfinished.directory.name
            self.say(f"run {name} was cut off: chaos recover puts back what is open")
        self._looked_for_wrecks = True

    def _opened(self) -> OpenEnvironment:
        if self._environment is None:
            choice = self.options.choice
            self._environment = (
                in_lab(self.lab(), choice.environment)
                if choice.is_lab
                else self._cleanup.enter_context(
                    open_environment(choice.name, choice.environment, choice.settings, self.say)
                )
            )
        return self._environment

    def lab(self) -> LabHandle:
        """The lab that is up, or one that ends with the session.

        Raises:
            EnvironmentUnusable: no lab comes up.
        """
        from chaos.lab import handle

        if self._lab is None:
            self._lab = handle.find() or self._start_lab()
        return self._lab

    def _start_lab(self) -> LabHandle:
        from chaos.lab import handle

        self.say("starting the lab")
        settings = handle.settings_from(self.options.choice.settings.lab)
        started = handle.start(settings=settings)
        self._cleanup.callback(handle.stop, started)
        return started

    def say(self, text: str) -> None:
        """Tell of what takes time, at once where there is a terminal."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or capture is None:
            sys.stdout.write(f"{text}\n")
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"chaos: {text}")

    def shown(self, path: Path) -> str:
        """A path as a reader at the terminal would write it."""
        return os.path.relpath(path, self._config.invocation_params.dir)

"""The `chaos` fixture: experiments and faults in tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from chaos.api import FinishedRun
from chaos.model.experiment import Experiment
from chaos.model.loading import LoadedExperiment, find_beside
from chaos.model.problems import ChaosError, InvalidInput, Problem
from chaos.testing.declared import FaultUse, Objectives, Targets, checked, with_objectives
from chaos.testing.fault_block import ActiveFault, FaultBlock
from chaos.testing.running import run_for
from chaos.testing.session import ChaosSession

_MARKED = pytest.StashKey[FinishedRun]()
"""Of an item: the run of the experiment that its marker names."""


class Chaos:
    """Runs experiments, and injects faults, for one test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._session = ChaosSession.of(item.config)

    @property
    def result(self) -> FinishedRun:
        """The run of the experiment that the test's marker names.

        Raises:
            LookupError: it names none.
        """
        if _MARKED not in self._item.stash:
            raise LookupError("this test has no @pytest.mark.chaos(experiment=...)")
        return self._item.stash[_MARKED]

    def run(
        self, experiment: str | Path | Experiment, /, *, check: bool = True, **variables: Any
    ) -> FinishedRun:
        """Run an experiment: a file, or one that is made in code.

        The test fails, with the reasons, unless the run passes; with `check=False` only where the
        run is refused, or something stays broken.

        Args:
            experiment: a path is looked up beside the test's file, then from the working directory.
            check: whether the run has to pass.
            variables: for `${name}` in the file.
        """
        __tracebackhide__ = True
        try:
            loaded = self._load(experiment, variables)
        except ChaosError as error:
            raise pytest.fail.Exception(str(error)) from None
        return run_for(self._item, self._session, loaded, check=check)

    def fault(
        self,
        action: str,
        *,
        targets: Targets = None,
        parameters: Mapping[str, Any] | None = None,
        at_most: str = "10m",
    ) -> AbstractContextManager[ActiveFault]:
        """A fault that lasts as long as the `with` block, and is undone whatever happens in it.

        Args:
            action: its id, `aws:ec2:stop-instances`.
            targets: ids, or a target as an experiment has it (`{"tags": {"app": "shop"}}`).
            parameters: the action's own.
            at_most: when it is undone even if the block has not ended.
        """
        __tracebackhide__ = True
        use = FaultUse(action, targets, parameters or {}, at_most)
        try:
            experiment = use.experiment(f"{action} in {self._item.name}")
            loaded = checked(experiment, self._item.path)
        except ChaosError as error:
            raise pytest.fail.Exception(str(error)) from None
        return FaultBlock(self._item, self._session, loaded)

    def run_marked(self, *, experiment: str, slo: Objectives = (), **variables: Any) -> None:
        """Run what the test's marker names, with its objectives besides the experiment's own."""
        __tracebackhide__ = True
        try:
            loaded = with_objectives(self._load(experiment, variables), slo)
        except ChaosError as error:
            raise pytest.fail.Exception(str(error)) from None
        self._item.stash[_MARKED] = run_for(self._item, self._session, loaded)

    def _load(
        self, experiment: str | Path | Experiment, variables: Mapping[str, Any]
    ) -> LoadedExperiment:
        if isinstance(experiment, Experiment):
            return checked(experiment, self._item.path)
        file = find_beside(self._item.path, str(experiment))
        if file is None:
            raise InvalidInput(Problem(f"no such file: {experiment}"))
        return self._session.load(file, variables)

"""Experiments that stand in code: checked as those in files are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chaos.actions.registry import Registry
from chaos.model.checks import Declaration, check
from chaos.model.experiment import Experiment, Target
from chaos.model.loading import LoadedExperiment
from chaos.model.messages import Finding, findings
from chaos.model.problems import InvalidInput, Problem, nearest
from chaos.model.slo import Slo

Targets = Target | Mapping[str, Any] | Sequence[str] | None
"""A target as in a file, where `type` may be left out; or ids."""

Objectives = Slo | Mapping[str, Any] | str | Sequence[Slo | Mapping[str, Any] | str]
"""An objective as in a file, or `availability >= 99%`; or several."""


def checked(experiment: Experiment, file: Path) -> LoadedExperiment:
    """The experiment, as if it stood in `file`: beside that its Locust file is looked up.

    Raises:
        InvalidInput: with every rule that is broken.
    """
    declared = Declaration(
        targets=frozenset(experiment.targets),
        actions=frozenset(experiment.actions),
        slos=tuple(range(len(experiment.slos))),
        stop_conditions=tuple(range(len(experiment.stop_conditions))),
    )
    loaded = LoadedExperiment(experiment, file)
    wrong = list(check(experiment, Registry(), declared))
    if experiment.load and loaded.locustfile is None:
        wrong.append(Finding(f"no such file: {experiment.load.locustfile}", ("load", "locustfile")))
    _refuse(wrong)
    return loaded


def with_objectives(loaded: LoadedExperiment, added: Objectives) -> LoadedExperiment:
    """The experiment with these objectives besides its own.

    Raises:
        InvalidInput: they are no objectives, or do not go with the experiment.
    """
    several = [added] if isinstance(added, Slo | Mapping | str) else added
    slos = (*loaded.experiment.slos, *map(_objective, several))
    return checked(loaded.experiment.model_copy(update={"slos": slos}), loaded.file)


def _objective(written: Slo | Mapping[str, Any] | str) -> Slo:
    if isinstance(written, str):
        sli, _, objective = written.partition(" ")
        written = {"sli": sli, "objective": objective}
    try:
        return Slo.model_validate(written)
    except ValidationError as error:
        _refuse(findings(error, Slo, ("slo",)))
        raise


@dataclass(frozen=True, slots=True)
class FaultUse:
    """One fault around a piece of code."""

    action: str
    targets: Targets
    parameters: Mapping[str, Any] = field(default_factory=dict)
    at_most: str = "10m"
    """The longest that it may last."""

    def experiment(self, title: str) -> Experiment:
        """As an experiment: the fault, and nothing else.

        Raises:
            InvalidInput: there is no such action, or it cannot be used so.
        """
        kind = Registry().find_action(self.action)
        if kind is None:
            hint = nearest(self.action, Registry().action_ids())
            raise InvalidInput(Problem(f"unknown action {self.action}{hint}"))
        use = {
            "action": self.action,
            "parameters": dict(self.parameters),
            "duration": self.at_most,
            "targets": None if self.targets is None else "targets",
        }
        targets = {} if self.targets is None else {"targets": _target(self.targets, kind.resource)}
        return _experiment({"title": title, "actions": {"fault": use}, "targets": targets})


def _target(written: Target | Mapping[str, Any] | Sequence[str], kind: str | None) -> object:
    if isinstance(written, Target):
        return written
    return {"type": kind, **(written if isinstance(written, Mapping) else {"ids": written})}


def _experiment(values: Mapping[str, Any]) -> Experiment:
    try:
        return Experiment.model_validate(values)
    except ValidationError as error:
        _refuse(findings(error, Experiment))
        raise


def _refuse(wrong: Iterable[Finding]) -> None:
    problems = [Problem(f"{_words(finding)}: {finding.message}") for finding in wrong]
    if problems:
        raise InvalidInput(*problems)


def _words(finding: Finding) -> str:
    return ".".join(map(str, finding.path)) or "the experiment"

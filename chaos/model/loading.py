"""From a file to an experiment: everything that is wrong with it is said at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chaos.model.checks import Declaration, check
from chaos.model.document import KeyPath, read_document
from chaos.model.experiment import Catalog, Experiment
from chaos.model.load import Replay
from chaos.model.messages import Finding, findings, in_document
from chaos.model.problems import InvalidInput, Problem
from chaos.model.rate import Legs, read_recorded_rate
from chaos.model.variables import fill_in


@dataclass(frozen=True, slots=True)
class LoadedExperiment:
    """An experiment and the file it came from."""

    experiment: Experiment
    file: Path

    @property
    def locustfile(self) -> Path | None:
        """The Locust file, looked up beside the experiment, then from the working directory."""
        load = self.experiment.load
        return find_beside(self.file, load.locustfile) if load else None

    @property
    def rate(self) -> Legs | None:
        """The open model's rate over time; None in the closed one.

        Raises:
            InvalidInput: it stands in a file that cannot be read.
        """
        load = self.experiment.load
        if load and isinstance(load.rate, Replay):
            name = load.rate.replay
            return read_recorded_rate(find_beside(self.file, name) or self.file.parent / name)
        return load.legs if load else None


def find_beside(file: Path, name: str) -> Path | None:
    """The path that `name`, standing in `file`, means; None where there is no such file."""
    candidates = (file.parent / name, Path(name))
    return next((path.resolve() for path in candidates if path.is_file()), None)


def load_experiment(
    file: Path, catalog: Catalog, variables: Mapping[str, Any] | None = None
) -> LoadedExperiment:
    """Read and check an experiment; `variables` win over those the file defines.

    Raises:
        InvalidInput: with every problem of the file.
    """
    document = read_document(file)
    if not isinstance(document.values, dict):
        raise InvalidInput(Problem("an experiment is a mapping with at least a title", file))
    values, problems = fill_in(document, variables or {})
    undefined = {problem.place for problem in problems}
    experiment, wrong = _validate(values, catalog)
    for finding in (*wrong, *_wrong_files(file, values)):
        problem = document.problem(finding.message, finding.path, of_key=finding.of_key)
        if problem.place not in undefined:  # one message is enough for one place
            problems.append(problem)
    if problems or experiment is None:
        raise InvalidInput(*sorted(problems, key=_by_place))
    return LoadedExperiment(experiment, file)


def _by_place(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


def _validate(values: dict[str, Any], catalog: Catalog) -> tuple[Experiment | None, list[Finding]]:
    """Check every part by its type, then the rules between the parts that are sound."""
    sound = copy.deepcopy(values)
    wrong: list[Finding] = []
    experiment = None
    while experiment is None:
        try:
            experiment = Experiment.model_validate(_without_gaps(sound))
        except ValidationError as error:
            wrong = wrong or list(findings(error, Experiment))
            if not _prune(sound, error):
                return None, wrong
    declared = Declaration(
        targets=_keys_of(values, "targets"),
        actions=_keys_of(values, "actions"),
        slos=_positions(sound, "slos"),
        stop_conditions=_positions(sound, "stop_conditions"),
    )
    return experiment, [*wrong, *check(experiment, catalog, declared)]


def _positions(sound: dict[str, Any], section: str) -> tuple[int, ...]:
    return tuple(i for i, item in enumerate(sound.get(section) or ()) if item is not _GAP)


def _keys_of(values: dict[str, Any], section: str) -> frozenset[str]:
    found = values.get(section)
    return frozenset(found) if isinstance(found, dict) else frozenset()


_GAP = object()
"""Stands in a list where a wrong item was, so that the others keep their numbers."""


def _without_gaps(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _without_gaps(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_without_gaps(value) for value in values if value is not _GAP]
    return values


def _prune(values: dict[str, Any], error: ValidationError) -> bool:
    """Take out what is wrong, so that the rest can be checked; False where nothing could be.

    A part that lacks something required goes as a whole; a wrong title is replaced.
    """
    details = error.errors(include_url=False, include_context=False)
    paths = {_part_at_fault(detail["type"], in_document(detail["loc"])) for detail in details}
    if paths & {(), ("title",)}:
        values["title"] = "untitled"
    removed = [_remove(values, path) for path in _outermost(paths - {(), ("title",)})]
    return any(removed) or bool(paths & {(), ("title",)})


def _part_at_fault(kind: str, path: KeyPath) -> KeyPath:
    return path[:-1] if kind == "missing" else path


def _outermost(paths: set[KeyPath]) -> list[KeyPath]:
    """Those that lie in no other; within a list the last first, so that positions stay true."""
    outer = [path for path in paths if not any(path[:n] in paths for n in range(len(path)))]
    return sorted(outer, key=lambda path: [(isinstance(p, int), p) for p in path], reverse=True)


def _remove(values: Any, path: KeyPath) -> bool:
    """Remove what is at `path`; positions in it count what is left of a list."""
    *parents, last = path
    for part in parents:
        values = values[_kept(values)[part] if isinstance(part, int) else part]
    if isinstance(last, int):
        values[_kept(values)[last]] = _GAP
        return True
    return values.pop(last, _GAP) is not _GAP


def _kept(values: list[Any]) -> list[int]:
    return [position for position, value in enumerate(values) if value is not _GAP]


def _wrong_files(file: Path, values: dict[str, Any]) -> Iterator[Finding]:
    """Files that are named and are not there, or not what they should be."""
    load = values.get("load")
    if not isinstance(load, dict):
        return
    rate = load.get("rate")
    replay = rate.get("replay") if isinstance(rate, dict) else None
    yield from _missing_file(file, load.get("locustfile"), ("load", "locustfile"))
    yield from _missing_file(file, replay, ("load", "rate", "replay"))
    recorded = find_beside(file, replay) if isinstance(replay, str) else None
    if recorded:
        try:
            read_recorded_rate(recorded)
        except InvalidInput as error:
            yield Finding(str(error), ("load", "rate", "replay"))


def _missing_file(file: Path, name: object, path: KeyPath) -> Iterator[Finding]:
    if isinstance(name, str) and name and find_beside(file, name) is None:
        message = f"no such file: {name} (looked beside this file and in the working directory)"
        yield Finding(message, path)

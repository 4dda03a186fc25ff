"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from chaos.model.environment import (
    LAB,
    Environment,
    Settings,
    find_settings_file,
    load_settings,
)
from chaos.model.loading import LoadedExperiment, load_experiment
from chaos.model.problems import InvalidInput, Problem, nearest
from chaos.model.secrets import conceal
from chaos.model.variables import names_in


def add_environment_options(parser: argparse.ArgumentParser) -> None:
    """`--env`, `--host`, `--var` and `--config`."""
    group = parser.add_argument_group("where")
    group.add_argument("--env", metavar="NAME", help="an environment of chaos.toml; default: lab")
    group.add_argument("--host", metavar="URL", help="send load and probes there; alone: no AWS")
    group.add_argument(
        "--var", metavar="NAME=VALUE", action="append", default=[], help="fill in ${NAME}"
    )
    group.add_argument("--config", metavar="FILE", type=Path, help="instead of chaos.toml")


@dataclass(frozen=True, slots=True)
class Choice:
    """The environment that the options choose."""

    name: str
    environment: Environment
    settings: Settings
    variables: dict[str, str]
    """From the command line."""

    @property
    def is_lab(self) -> bool:
        """Whether the embedded region is meant."""
        return self.name == LAB and not self.environment.uses_aws


def choose(options: argparse.Namespace) -> Choice:
    """What `--env`, `--host`, `--var` and `--config` mean together.

    Raises:
        InvalidInput: an unknown environment, a bad settings file, a malformed option.
    """
    settings = load_settings(options.config or find_settings_file(Path.cwd()))
    if options.host and not options.host.startswith(("http://", "https://")):
        raise InvalidInput(Problem(f"--host {options.host}: write http://... or https://..."))
    variables = dict(_assignment(text) for text in options.var)
    if options.host and not options.env:
        return Choice(conceal(options.host), Environment(host=options.host), settings, variables)
    name = options.env or LAB
    environment = settings.environment(name)
    if options.host:
        environment = environment.model_copy(update={"host": options.host})
    return Choice(name, environment, settings, variables)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InvalidInput(Problem(f"--var {text}: write NAME=VALUE"))
    return name, value


def read_experiment(file: Path, choice: Choice) -> LoadedExperiment:
    """Load and check the file with the variables of the environment and the command line.

    Raises:
        InvalidInput: with every problem of the file, or a `--var` that the file does not know.
    """
    from chaos.actions.registry import Registry

    variables = {**choice.environment.variables, **choice.variables}
    loaded = load_experiment(file, Registry(), variables)
    known = names_in(file.read_text(encoding="utf-8")) | set(loaded.experiment.variables)
    for name in choice.variables:
        if name not in known:
            message = f"--var {name}: the file has no ${{{name}}}{nearest(name, known)}"
            raise InvalidInput(Problem(message, file))
    return loaded

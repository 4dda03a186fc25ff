"""Where an experiment runs: the lab, or a named AWS account and region from `chaos.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from chaos.model.experiment import BlastRadius
from chaos.model.fields import Declared, Duration, Scalar, of_form
from chaos.model.messages import findings
from chaos.model.problems import InvalidInput, Place, Problem, nearest
from chaos.model.shared_place import SharedPlaceField

LAB = "lab"
"""The default environment, so that nobody touches a real account by accident."""

SETTINGS_FILE = "chaos.toml"


class Protected(Declared):
    """What no action may hit, whatever an experiment says."""

    tags: Annotated[dict[str, str], Field(description="One of these is enough.")] = Field(
        default_factory=dict
    )
    ids: tuple[str, ...] = ()


class DeadMansSwitchSettings(Declared):
    """Schedules that put things back when the runner no longer can."""

    role_arn: Annotated[str, Field(description="The role EventBridge Scheduler calls with.")]
    grace: Annotated[
        Duration, Field(description="From the planned end of a fault to its undo by a schedule.")
    ] = 120.0


class Environment(Declared):
    """One environment. With only a host it is any HTTP service, and no AWS is touched."""

    host: Annotated[
        Annotated[str, of_form(r"https?://.+", "http://... or https://...")] | None,
        Field(description="What load is sent to."),
    ] = None
    region: str | None = None
    profile: Annotated[str | None, Field(description="From the AWS configuration files.")] = None
    role_arn: Annotated[str | None, Field(description="A role to assume.")] = None
    account: Annotated[
        Annotated[str, of_form(r"\d{12}", "the twelve digits of an account")] | None,
        Field(description="The only account this may touch."),
    ] = None
    endpoint_url: Annotated[str | None, Field(description="Instead of AWS's own.")] = None
    variables: dict[str, Scalar] = Field(default_factory=dict)
    blast_radius: BlastRadius = BlastRadius()
    protected: Protected = Protected()
    dead_mans_switch: DeadMansSwitchSettings | None = None
    check_permissions: Annotated[
        bool, Field(description="Ask IAM before a run whether it may do all that it needs to.")
    ] = True
    lock: Annotated[
        SharedPlaceField | None, Field(description="One run at a time, on whatever machine.")
    ] = None
    journal_mirror: Annotated[
        SharedPlaceField | None, Field(description="So that another machine can recover a run.")
    ] = None

    @property
    def uses_aws(self) -> bool:
        """Whether there is an AWS account behind it."""
        return any((self.region, self.profile, self.role_arn, self.account, self.endpoint_url))


class _SettingsFile(Declared):
    environments: dict[str, Environment] = Field(default_factory=dict)
    lab: dict[str, Scalar] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `chaos.toml` says; empty where there is none."""

    environments: Mapping[str, Environment] = field(default_factory=dict)
    lab: Mapping[str, Scalar] = field(default_factory=dict)
    """Overrides of the lab's settings, by name."""
    file: Path | None = None

    def environment(self, name: str) -> Environment:
        """The environment of that name; the lab needs no entry.

        Raises:
            InvalidInput: there is none of that name.
        """
        if name in self.environments:
            return self.environments[name]
        if name == LAB:
            return Environment()
        hint = nearest(name, [LAB, *self.environments])
        where = f"; define [environments.{name}] in {self.file or SETTINGS_FILE}"
        raise InvalidInput(Problem(f"unknown environment {name}{hint}{where}"))


def find_settings_file(start: Path) -> Path | None:
    """The nearest `chaos.toml` in `start` or a folder above it."""
    folders = [start.resolve(), *start.resolve().parents]
    return next((f / SETTINGS_FILE for f in folders if (f / SETTINGS_FILE).is_file()), None)


def load_settings(file: Path | None) -> Settings:
    """Read `chaos.toml`.

    Raises:
        InvalidInput: with every problem of the file.
    """
    if file is None:
        return Settings()
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise InvalidInput(Problem((error.strerror or str(error)).lower(), file)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(_syntax_problem(str(error), file)) from error
    return _validated(values, text, file)


def _validated(values: dict[str, Any], text: str, file: Path) -> Settings:
    try:
        read = _SettingsFile.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(
            *(
                Problem(finding.message, file, _place(text, [str(part) for part in finding.path]))
                for finding in findings(error, _SettingsFile)
            )
        ) from error
    return Settings(read.environments, read.lab, file)


def _syntax_problem(message: str, file: Path) -> Problem:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    place = Place(int(found[1]), int(found[2])) if found else None
    words = re.sub(r"\s*\(at .*\)", "", message)
    return Problem(f"not valid TOML: {words[:1].lower()}{words[1:]}", file, place)


def _place(text: str, path: list[str]) -> Place:
    """Where the entry at `path` stands: the TOML reader of the standard library does not say.

    Finds `key =` below its `[table]` header, or the header where the table itself is meant.
    """
    table: list[str] = []
    best = Place()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            table = [part.strip(" \"'") for part in header[1].split(".")]
            if table == path[: len(table)]:
                best = Place(number, line.index("[") + 1)
        entry = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if entry and [*table, entry[1].strip("\"'")] == path[: len(table) + 1]:
            return Place(number, entry.start(1) + 1)
    return best

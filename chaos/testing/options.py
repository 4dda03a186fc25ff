"""What pytest's command line and ini file say about experiments."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from chaos.commands.options import Choice, choose
from chaos.model.environment import LAB
from chaos.model.problems import InvalidInput, Problem
from chaos.model.units import parse_duration


class Inconclusive(StrEnum):
    """What becomes of a test whose run could not decide."""

    FAIL = "fail"
    XFAIL = "xfail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Options:
    """All of it; an option on the command line wins over the ini file."""

    choice: Choice
    """The environment. Its variables are those of `chaos.toml`, and over them `--chaos-var`."""
    reports: Path
    dry_run: bool
    inconclusive: Inconclusive
    wait: float
    """Seconds to wait for another run in the environment to end."""


def read_options(config: pytest.Config) -> Options:
    """Read and check them.

    Raises:
        InvalidInput: one of them, or `chaos.toml`, is wrong.
    """
    try:
        reports = _given(config, "chaos_report_dir") or "reports"
        return Options(
            choice=_choice(config),
            reports=config.invocation_params.dir / reports,
            dry_run=bool(_given(config, "chaos_dry_run")),
            inconclusive=Inconclusive(_given(config, "chaos_inconclusive") or "fail"),
            wait=parse_duration(_given(config, "chaos_wait") or "1h"),
        )
    except ValueError as error:
        raise InvalidInput(Problem(str(error))) from None


def _given(config: pytest.Config, name: str) -> Any:
    return config.getoption(name) or config.getini(name)


def _choice(config: pytest.Config) -> Choice:
    where: str = _given(config, "chaos_env") or LAB
    is_url = where.startswith(("http://", "https://"))
    words = argparse.Namespace(
        env=None if is_url else where,
        host=where if is_url else None,
        var=[*config.getini("chaos_var"), *(config.getoption("chaos_var") or [])],
        config=None,
    )
    return choose(words)

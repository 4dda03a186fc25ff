"""The rooms of the house: imports point down the table, heavy ones are made late."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "chaos"

ALLOWED = {
    "model": set[str](),
    "measure": set[str](),
    "slo": {"model", "measure"},
    "load": {"model", "measure"},
    "aws": {"model"},
    "actions": {"model", "aws"},
    "probes": {"model", "aws"},
    "engine": {"model", "measure", "slo", "load", "aws", "actions", "probes"},
    "report": {"slo", "measure", "model"},
    "gameday": {"model", "measure", "slo", "probes", "engine", "report"},
    "lab": {"model"},
    "starter": set[str](),
}
"""What each room may import. The doors (`cli`, `api`, `commands`, `testing` …) may import all."""


def imports_of(file: Path) -> Iterator[str]:
    """The modules of ours that a file imports, wherever in it they stand."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_from_the_rooms_below_it(room: str) -> None:
    """No arrow of DESIGN's table runs back up."""
    for file in (PACKAGE / room).rglob("*.py"):
        rooms = {name.split(".")[1] for name in imports_of(file) if name.startswith("chaos.")}
        assert rooms - {room} <= ALLOWED[room], f"{file} imports {rooms - {room} - ALLOWED[room]}"


def test_every_room_is_in_the_table() -> None:
    """A new room must say what it may import."""
    doors = {"commands", "terminal", "testing"}
    rooms = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert rooms <= set(ALLOWED) | doors


def test_the_actions_do_not_know_the_lab() -> None:
    """The code that injects is the same on AWS and in the lab."""
    for room in ("actions", "aws", "engine"):
        for file in (PACKAGE / room).rglob("*.py"):
            assert not any("lab" in name.split(".") for name in imports_of(file)), file
    for room in ("actions", "aws"):
        for file in (PACKAGE / room).rglob("*.py"):
            assert not re.search(r"\blab\b", file.read_text(), re.IGNORECASE), f"{file} names it"


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        (["--help"], {"pydantic", "yaml", "rich", "boto3", "locust", "jinja2", "moto"}),
        (
            ["validate", "experiments/baseline.yaml"],
            {"boto3", "botocore", "locust", "gevent", "rich"},
        ),
        (["actions"], {"boto3", "botocore", "locust"}),
    ],
)
def test_a_command_imports_only_what_it_needs(command: list[str], unwanted: set[str]) -> None:
    """Start-up stays quick because heavy packages are imported where they are used."""
    code = (
        "import sys; from chaos.cli import main\n"
        f"try: main({command!r})\n"
        "except SystemExit: pass\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    loaded = set(ran.stdout.rpartition("LOADED")[2].split())
    assert "chaos" in loaded
    assert not loaded & unwanted

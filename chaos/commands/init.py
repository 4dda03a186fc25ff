"""`chaos init`: a first experiment and Locust file, commented, that run as they are."""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

from chaos.exit_codes import ExitCode

FILES = ("experiment.yaml", "locustfile.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to write."""
    parser.add_argument("directory", metavar="DIR", nargs="?", type=Path, default=Path())


def run(options: argparse.Namespace) -> int:
    """Write both files; one that exists is never overwritten."""
    from chaos.model.problems import InvalidInput, Problem

    options.directory.mkdir(parents=True, exist_ok=True)
    paths = [options.directory / name for name in FILES]
    existing = [path for path in paths if path.exists()]
    if existing:
        raise InvalidInput(*(Problem("exists already; nothing was written", p) for p in existing))
    for path in paths:
        path.write_bytes(resources.files("chaos.starter").joinpath(path.name).read_bytes())
        print(f"wrote {path}")
    print(f"next: chaos run {paths[0]}")
    return ExitCode.PASS

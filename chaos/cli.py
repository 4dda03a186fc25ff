"""The `chaos` command: a thin door. Each command is a module of `chaos.commands`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from chaos import __version__
from chaos.exit_codes import ExitCode

COMMANDS = {
    "run": "run an experiment and write its report",
    "plan": "show what a run would do, without touching anything",
    "iam": "print the least-privilege IAM policy for some experiments",
    "validate": "check experiment files, offline",
    "stop": "end the runs that are going on, from any terminal; they roll back",
    "resume": "let runs begin again after chaos stop --all",
    "recover": "after a crash, put back what is still broken",
    "report": "make the report of a stored run again",
    "history": "list past runs, their verdicts, and MTBF and MTTR over all of them",
    "actions": "list the faults that can be injected",
    "schema": "print the JSON Schema of experiment files, for editors",
    "init": "write a starter experiment and Locust file",
    "gameday": "a series of experiments with people in the room, by hand or on a schedule",
    "lab": "the embedded AWS region: up, status, down, env",
}

TRACEBACK = "CHAOS_TRACEBACK"
"""Set this environment variable to see where an unexpected error came from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(_dispatch(words))
    except KeyboardInterrupt:
        _say("interrupted; nothing was changed")
        return ExitCode.ABORTED
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASS
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return _explain(error)


def _dispatch(words: list[str]) -> int:
    command = next((word for word in words if not word.startswith("-")), None)
    parser = _parser(command)
    options = parser.parse_args(words)
    if command is None:
        parser.print_help()
        return ExitCode.USAGE
    return int(options.execute(options))


def _parser(command: str | None) -> argparse.ArgumentParser:
    """Only the module of the command that is asked for is imported."""
    parser = argparse.ArgumentParser(
        prog="chaos",
        description="Resilience testing for applications on AWS: break things on purpose, "
        "under load, and measure what users see.",
        epilog="chaos COMMAND --help tells more of each command.",
    )
    parser.add_argument("--version", action="version", version=f"chaos {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        sentence = f"{summary[:1].upper()}{summary[1:]}."
        sub = commands.add_parser(name, help=summary, description=sentence)
        if name == command:
            module = importlib.import_module(f"chaos.commands.{name}")
            module.add_arguments(sub)
            sub.set_defaults(execute=module.run)
    return parser


def _explain(error: Exception) -> int:
    from chaos.model.problems import ChaosError, EnvironmentUnusable

    if isinstance(error, ChaosError):
        _say(str(error))
        unusable = isinstance(error, EnvironmentUnusable)
        return ExitCode.UNUSABLE if unusable else ExitCode.USAGE
    if isinstance(error, OSError):
        _say(f"{error.filename or 'the system'}: {(error.strerror or str(error)).lower()}")
        return ExitCode.UNUSABLE
    _say(f"unexpected {type(error).__name__}: {error}\n(set {TRACEBACK}=1 to see where)")
    return ExitCode.UNUSABLE


def _say(message: str) -> None:
    from chaos.model.secrets import conceal

    text = conceal(message)
    sys.stdout.flush()
    print(f"chaos: {text}" if "\n" not in text else text, file=sys.stderr)

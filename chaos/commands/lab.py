"""`chaos lab`: bring the embedded region up and down, and look into it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from chaos.exit_codes import ExitCode
from chaos.lab import handle
from chaos.lab.handle import DEFAULT_NAME, LabError, LabHandle, LabStatus

_COLUMNS = ("INSTANCE", "ZONE", "STATE", "ADDRESS", "PID", "TARGET")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands and their options."""
    commands = parser.add_subparsers(dest="lab_command", required=True, metavar="COMMAND")
    up = _add(commands, "up", _up, "bring the lab up, unless it is up already")
    up.add_argument(
        "--foreground", action="store_true", help="stay until interrupted, then take it down"
    )
    _add(commands, "status", _status, "show its instances and their health")
    _add(commands, "down", _down, "take it down")
    _add(commands, "env", _env, 'print what points AWS tools at it: eval "$(chaos lab env)"')
    logs = _add(commands, "logs", _logs, "print its truth log: what really happened, and when")
    logs.add_argument("--instance", metavar="ID", help="print this instance's console instead")


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command; the exit code.

    Raises:
        EnvironmentUnusable: the lab is not up, does not come up or does not answer.
        InvalidInput: something is wrong with `[lab]` in `chaos.toml`.
    """
    command: Callable[[argparse.Namespace], int] = args.lab_run
    return command(args)


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    function: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.add_argument("--name", default=DEFAULT_NAME, help=f"which lab (default: {DEFAULT_NAME})")
    parser.set_defaults(lab_run=function)
    return parser


def _up(args: argparse.Namespace) -> int:
    from chaos.model.environment import find_settings_file, load_settings

    running = handle.find(args.name)
    if running:
        print(f"the lab {args.name!r} is already up: {running.host}")
        return ExitCode.PASS
    declared = load_settings(find_settings_file(Path.cwd()))
    made = handle.start(
        args.name,
        settings=handle.settings_from(declared.lab),
        detached=not args.foreground,
        progress=lambda part: print(f"  {part}", file=sys.stderr, flush=True),
    )
    _introduce(made)
    return _stay(made) if args.foreground else ExitCode.PASS


def _introduce(made: LabHandle) -> None:
    seconds = max(made.start_parts.values())
    print(f"the lab {made.name!r} is up after {seconds:.1f} s")
    print(f"  shop     {made.host}")
    print(f'  AWS API  {made.endpoint_url}   (eval "$(chaos lab env)" points AWS tools at it)')


def _stay(made: LabHandle) -> int:
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        print("  interrupt (ctrl-C) to take it down", flush=True)
        handle.wait(made)
    except KeyboardInterrupt:
        handle.stop(made)
        return ExitCode.PASS
    raise LabError(f"the lab {made.name!r} has ended by itself")


def _status(args: argparse.Namespace) -> int:
    found = _find(args.name)
    status = handle.status(found)
    print(f"lab {found.name!r}, up for {status.uptime:.0f} s")
    print(f"  shop     {found.host}")
    print(f"  AWS API  {found.endpoint_url}")
    print()
    print("\n".join(_table(status)))
    return ExitCode.PASS


def _table(status: LabStatus) -> list[str]:
    rows = [_COLUMNS] + [
        (
            one.instance_id,
            one.zone,
            one.state,
            one.private_ip,
            str(one.pid or "-"),
            one.target_health,
        )
        for one in status.instances
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _down(args: argparse.Namespace) -> int:
    found = handle.find(args.name)
    if not found:
        print(f"the lab {args.name!r} is not up")
        return ExitCode.PASS
    handle.stop(found)
    print(f"the lab {args.name!r} is down")
    return ExitCode.PASS


def _env(args: argparse.Namespace) -> int:
    print("\n".join(handle.environment_lines(_find(args.name))))
    return ExitCode.PASS


def _logs(args: argparse.Namespace) -> int:
    found = _find(args.name)
    if args.instance:
        sys.stdout.write(handle.console(found, args.instance))
        return ExitCode.PASS
    for event in handle.truth(found):
        print(f"{event.at:.3f}  {event.kind:<20}  {event.text}")
    return ExitCode.PASS


def _find(name: str) -> LabHandle:
    found = handle.find(name)
    if not found:
        option = "" if name == DEFAULT_NAME else f" --name {name}"
        raise LabError(f"the lab {name!r} is not up: start it with 'chaos lab up{option}'")
    return found

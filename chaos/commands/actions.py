"""`chaos actions`: what can be broken."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chaos.exit_codes import ExitCode

if TYPE_CHECKING:
    from chaos.actions.action import ActionKind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action, or none for the list."""
    parser.add_argument("action", metavar="ACTION", nargs="?", help="tell all about this one")
    parser.add_argument("--markdown", action="store_true", help="as the table of docs/actions.md")


def run(options: argparse.Namespace) -> int:
    """Print a line each, or everything about one."""
    from chaos.actions.registry import Registry
    from chaos.model.problems import InvalidInput, Problem, nearest

    registry = Registry()
    if options.action is not None:
        found = registry.find_action(options.action)
        if found is None:
            hint = nearest(options.action, registry.action_ids())
            raise InvalidInput(Problem(f"unknown action {options.action}{hint}"))
        lines = _details(found)
    elif options.markdown:
        lines = _markdown(registry.all_actions())
    else:
        lines = _list(registry.all_actions())
    print("\n".join(lines))
    return ExitCode.PASS


def _summary(kind: type[ActionKind]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _list(kinds: list[type[ActionKind]]) -> list[str]:
    width = max(len(kind.id) for kind in kinds)
    return [f"{kind.id:<{width}}  {_summary(kind)}" for kind in kinds]


_HEAD = """\
# Actions

Names and parameters are those of AWS Fault Injection Service where it has the action.
`chaos actions` prints the list, `chaos actions ID` tells all about one, and
`chaos actions --markdown` made this page.

| action | what it does | works on | undo | parameters | permissions |
|---|---|---|---|---|---|"""


def _markdown(kinds: list[type[ActionKind]]) -> list[str]:
    return [_HEAD, *(_row(kind) for kind in kinds)]


def _row(kind: type[ActionKind]) -> str:
    fields = kind.Parameters.model_fields.items()
    cells = [
        f"`{kind.id}`",
        _summary(kind),
        f"`{kind.resource}`" if kind.resource else "–",
        kind.no_undo or "yes, verified",
        "<br>".join(f"`{field.alias or name}`: {field.description}" for name, field in fields),
        ", ".join(f"`{permission}`" for permission in kind.permissions),
    ]
    return f"| {' | '.join(cell or '–' for cell in cells)} |"


def _details(kind: type[ActionKind]) -> list[str]:
    lines = [
        f"{kind.id}: {_summary(kind)}",
        f"  works on     {kind.resource or 'no target'}",
        f"  undo         {kind.no_undo or 'yes, verified'}",
        f"  permissions  {', '.join(kind.permissions)}",
    ]
    for name, field in kind.Parameters.model_fields.items():
        default = "required" if field.is_required() else f"default {field.default}"
        lines.append(f"  parameter    {field.alias or name}: {field.description} ({default})")
    return lines

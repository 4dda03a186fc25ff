"""`chaos actions`: what can be broken."""

from __future__ import annotations

import argparse

from chaos.exit_codes import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action, or none for the list."""
    parser.add_argument("action", metavar="ACTION", nargs="?", help="tell all about this one")


def run(options: argparse.Namespace) -> int:
    """Print a line each, or everything about one."""
    from chaos.actions.registry import Registry
    from chaos.model.problems import InvalidInput, Problem, nearest

    registry = Registry()
    if options.action is None:
        kinds = registry.all_actions()
        width = max(len(kind.id) for kind in kinds)
        for kind in kinds:
            print(f"{kind.id:<{width}}  {_summary(kind)}")
        return ExitCode.PASS
    found = registry.find_action(options.action)
    if found is None:
        hint = nearest(options.action, registry.action_ids())
        raise InvalidInput(Problem(f"unknown action {options.action}{hint}"))
    print("\n".join(_details(found)))
    return ExitCode.PASS


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _details(kind: type) -> list[str]:
    from chaos.actions.action import Action

    assert issubclass(kind, Action)  # noqa: S101 - the registry has nothing else
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

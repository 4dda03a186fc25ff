"""All actions there are: ours, by file, and those of other packages, by entry point."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache

import chaos.actions
from chaos.actions.action import ActionKind
from chaos.model.problems import ChaosError

ENTRY_POINTS = "chaos.actions"
"""The group in which other packages register their action classes."""

_NOT_SERVICES = frozenset({"action", "composite", "registry"})


class Registry:
    """The catalogue that experiments are checked against.

    Looking up one of our own actions imports just the file of its service; entry points, which
    are slow to read, are looked at only when an id is not ours or all ids are asked for.
    """

    def find_action(self, action_id: str) -> type[ActionKind] | None:
        """The action of that id; None where there is none."""
        service = action_id.split(":")[1].replace("-", "_") if action_id.count(":") > 1 else ""
        if service in _service_files():
            for found in _actions_in(service):
                if found.id == action_id:
                    return found
        return next((found for found in _foreign_actions() if found.id == action_id), None)

    def all_actions(self) -> list[type[ActionKind]]:
        """Every action, by id."""
        own = [found for service in _service_files() for found in _actions_in(service)]
        return sorted([*own, *_foreign_actions()], key=lambda found: found.id)

    def action_ids(self) -> list[str]:
        """The ids of all actions."""
        return [found.id for found in self.all_actions()]

    def resource_types(self) -> list[str]:
        """The resource types that can be targets."""
        from chaos.aws.resources import RESOURCE_KINDS

        return sorted(RESOURCE_KINDS)


@cache
def _service_files() -> frozenset[str]:
    found = (file.name for file in pkgutil.iter_modules(chaos.actions.__path__))
    return frozenset(found) - _NOT_SERVICES


@cache
def _actions_in(service: str) -> tuple[type[ActionKind], ...]:
    module = importlib.import_module(f"chaos.actions.{service}")
    classes = (found for _, found in inspect.getmembers(module, inspect.isclass))
    own = (found for found in classes if found.__module__ == module.__name__)
    return tuple(found for found in own if issubclass(found, ActionKind))


def _foreign_actions() -> Iterator[type[ActionKind]]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        package = entry.dist.name if entry.dist else "an unknown package"
        try:
            found = entry.load()
        except Exception as error:
            raise ChaosError(
                f"action {entry.name} of {package} cannot be loaded: {error}"
            ) from error
        if not (inspect.isclass(found) and issubclass(found, ActionKind)):
            raise ChaosError(f"action {entry.name} of {package} is not a chaos Action class")
        yield found

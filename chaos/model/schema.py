"""The JSON Schema of the files users write, made from the models and the actions there are."""

from __future__ import annotations

from typing import Any

from chaos.model.experiment import Catalog, Experiment
from chaos.model.gameday import GameDay

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def experiment_schema(catalog: Catalog) -> dict[str, Any]:
    """The schema, with the ids of actions and resource types as suggestions."""
    schema = Experiment.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions["ActionUse"]["properties"]["action"]["enum"] = catalog.action_ids()
    definitions["Target"]["properties"]["type"]["enum"] = catalog.resource_types()
    by_action = {name: _parameters_of(name, catalog) for name in catalog.action_ids()}
    for parameters in by_action.values():
        definitions |= parameters.pop("$defs", {})  # a reference is looked for at the top
    definitions["ActionUse"]["allOf"] = [_then(*pair) for pair in by_action.items()]
    return {"$schema": DIALECT, "title": "Chaos experiment", **_without(schema, "title")}


def gameday_schema() -> dict[str, Any]:
    """That of game days."""
    schema = GameDay.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "title": "Game day", **_without(schema, "title")}


def _parameters_of(action_id: str, catalog: Catalog) -> dict[str, Any]:
    kind = catalog.find_action(action_id)
    assert kind is not None  # noqa: S101 - the catalogue has just named it
    return _without(kind.Parameters.model_json_schema(by_alias=True), "title")


def _then(action_id: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Where the action is this one, its parameters are those."""
    return {
        "if": {"properties": {"action": {"const": action_id}}},
        "then": {"properties": {"parameters": parameters}},
    }


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}

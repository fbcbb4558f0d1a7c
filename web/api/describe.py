"""OpenAPI of bodies, query strings and paths, made when the document is asked for."""

from functools import partial
from typing import Any

from ninja import Schema
from pydantic import TypeAdapter

from store import versions

# Under this key an operation keeps a function that describes it, called when the document is asked for.
LATER = "x-later"
Examples = dict[str, tuple[str, dict[str, Any]]]


def body(adapter: TypeAdapter[Any], examples: Examples | None = None) -> dict[str, Any]:
    """Return the OpenAPI of an operation whose JSON body ``adapter`` validates."""
    return {LATER: partial(_body, adapter, examples)}


def _body(adapter: TypeAdapter[Any], examples: Examples | None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": inlined(adapter)}
    if examples:
        content["examples"] = {
            name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()
        }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def changes(
    adapter: TypeAdapter[Any], examples: Examples, shown: type[Schema], path: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the OpenAPI of an operation that also accepts the read-only fields of ``shown``, unchanged.

    ``path`` is the OpenAPI of the operation's path parameters.
    """
    return {LATER: partial(_changes, adapter, examples, shown, path or {})}


def _changes(
    adapter: TypeAdapter[Any], examples: Examples, shown: type[Schema], path: dict[str, Any]
) -> dict[str, Any]:
    operation = _body(adapter, examples)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for name, known in shown.model_json_schema()["properties"].items():
        if name in versions.READ_ONLY:
            schema["properties"][name] = known | {"readOnly": True}
    return operation | path


def query(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the OpenAPI of an operation whose query string ``adapter`` validates."""
    return {LATER: partial(_query, adapter)}


def _query(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    found = []
    for name, schema in inlined(adapter)["properties"].items():
        parameter = {"name": name, "in": "query", "required": False, "schema": schema}
        for moved in ("description", "examples"):
            value = schema.pop(moved, None)
            if value:
                parameter |= {"description": value} if moved == "description" else {"example": value[0]}
        found.append(parameter)
    return {"parameters": found}


def path_parameter(name: str, description: str, example: str, schema: dict[str, Any]) -> dict[str, Any]:
    parameter = {"name": name, "in": "path", "required": True, "description": description, "example": example}
    return {"parameters": [parameter | {"schema": schema}]}


def inlined(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            name = node.get("$ref", "").rpartition("/")[2]
            if name:
                return resolve(definitions[name])
            return {key: resolve(value) for key, value in node.items() if key != "discriminator"}
        return [resolve(element) for element in node] if isinstance(node, list) else node

    return dict(resolve(schema))

"""OpenAPI fragments for an operation's ``openapi_extra``, most of them built when the document is requested."""

from functools import partial
from typing import Any

from ninja import Schema
from pydantic import TypeAdapter

from store import versions

# Keys of ``openapi_extra`` that ``openapi`` replaces when the document is requested: a function that returns more of
# the operation's description; the headers and the links of its successful responses.
DEFERRED, HEADERS, LINKS = "x-deferred", "x-success-headers", "x-success-links"
Examples = dict[str, tuple[str, dict[str, Any]]]


def body(adapter: TypeAdapter[Any], examples: Examples | None = None) -> dict[str, Any]:
    """Describe an operation whose JSON body ``adapter`` validates."""
    return {DEFERRED: partial(_body, adapter, examples)}


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
    """Describe an operation whose body may also repeat the read-only fields of ``shown``, unchanged.

    ``path`` describes the operation's path parameters.
    """
    return {DEFERRED: partial(_changes, adapter, examples, shown, path or {})}


def _changes(
    adapter: TypeAdapter[Any], examples: Examples, shown: type[Schema], path: dict[str, Any]
) -> dict[str, Any]:
    operation = _body(adapter, examples)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for name, known in shown.model_json_schema()["properties"].items():
        if name in versions.READ_ONLY:
            schema["properties"][name] = known | {"readOnly": True}
    return operation | path


def query(adapter: TypeAdapter[Any], path: dict[str, Any] | None = None) -> dict[str, Any]:
    """Describe an operation whose query string ``adapter`` validates. ``path`` describes its path parameters."""
    return {DEFERRED: partial(_query, adapter, path or {})}


def _query(adapter: TypeAdapter[Any], path: dict[str, Any]) -> dict[str, Any]:
    found = list(path.get("parameters", ()))
    whole = inlined(adapter)
    for name, schema in whole["properties"].items():
        required = name in whole.get("required", ())
        parameter = {"name": name, "in": "query", "required": required, "schema": schema}
        for moved in ("description", "examples"):
            value = schema.pop(moved, None)
            if value:
                parameter |= {"description": value} if moved == "description" else {"example": value[0]}
        found.append(parameter)
    return {"parameters": found}


def path_parameter(name: str, description: str, example: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an operation with one path parameter."""
    parameter = {"name": name, "in": "path", "required": True, "description": description, "example": example}
    return {"parameters": [parameter | {"schema": schema}]}


def inlined(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the adapter's JSON Schema with all references resolved."""
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

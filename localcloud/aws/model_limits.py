"""Refuses what a service's own model forbids: lengths, counts, ranges, enumerations and patterns.

Hole closed: ministack checks few of the bounds in botocore's models, and botocore itself checks only lower ones before
it sends. Here every request of these services is held to its model when it arrives; there is no list of quotas to keep.
Not checked are S3's calls, whose model has hardly any bounds, and patterns that Python's expressions cannot say.
"""

import functools
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from ministack import app as ministack_app
from ministack.core import iam_actions

from localcloud.aws.decisions import AUDIT, tell
from localcloud.aws.protocol import Handler, Response, operation

# ministack's name of a service, and its model's.
MODELS = {
    "athena": "athena",
    "cloudformation": "cloudformation",
    "cognito-idp": "cognito-idp",
    "dynamodb": "dynamodb",
    "dynamodbstreams": "dynamodbstreams",
    "events": "events",
    "firehose": "firehose",
    "glue": "glue",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "states": "stepfunctions",
    "sts": "sts",
}
# The first of these that an operation can answer is what AWS answers.
CODES = ("ValidationException", "ValidationError", "InvalidParameterException", "InvalidRequestException")
UNNAMED = {
    "query": "ValidationError",
    "smithy-rpc-v2-cbor": "ValidationError",
}  # by protocol, where it names none
SHOWN = 3  # of many problems
# What AWS has relaxed and its models still forbid. "The non-leading, non-trailing space character is also treated as a
# special character" (Cognito's Developer Guide, password policies).
RELAXED = {"PasswordType": {"pattern": r"\S(.*\S)?"}}
Asked = tuple[str, dict[str, Any]]  # operation and its input


def install() -> None:
    """Check requests before their service sees them."""
    handlers = ministack_app.SERVICE_HANDLERS
    for service, model in MODELS.items():
        handlers[service] = _within_bounds(service, model, handlers[service])


def _within_bounds(service: str, model: str, handle: Handler) -> Handler:
    async def handle_within_bounds(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        asked = decoded(model, method, path, headers, body, query)
        problems = _problems(model, *asked) if asked else []
        if not asked or not problems:
            return await handle(method, path, headers, body, query)
        errors = f"{len(problems)} validation error{'s' * (len(problems) > 1)} detected"
        text = f"{errors}: {'; '.join(problems[:SHOWN])}"
        tell(f"limit exceeded ({service}): {asked[0]}: {text}")
        if AUDIT:
            return await handle(method, path, headers, body, query)
        return _refusal(service, _code(model, asked[0]), text, headers)

    return handle_within_bounds


def _refusal(service: str, code: str, text: str, headers: dict[str, str]) -> Response:
    """Return the error in the protocol of the request."""
    _, kind, body = iam_actions.access_denied_response(
        service, "", "", "", error_code=code, message=text, headers=headers
    )
    return 400, kind, body


@functools.cache
def _code(model: str, name: str) -> str:
    known = {shape.name for shape in _model(model).operation_model(name).error_shapes}
    unnamed = UNNAMED.get(_model(model).metadata["protocol"], CODES[0])
    return next((code for code in CODES if code in known), unnamed)


@functools.cache
def _model(name: str) -> Any:
    return _session().get_service_model(name)


@functools.cache
def _session() -> Any:
    return botocore.session.get_session()


# --- what a request says, in each protocol ---


def decoded(
    model: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Asked | None:
    """Return the operation and its input, or None for what is no request of this model."""
    try:
        if model == "lambda":
            return _rest(model, method, path, body, query)
        if "cbor" in headers.get("content-type", ""):
            import cbor2

            found: Asked | None = path.rpartition("/")[2], cbor2.loads(body) or {}
        elif operation(headers):
            found = operation(headers), json.loads(body or b"{}")
        else:
            found = _query(model, body, query)
    except ValueError:  # not this protocol after all: the service says so
        return None
    return found if found and found[0] in _model(model).operation_names else None


def _query(model: str, body: bytes, query: dict[str, Any]) -> Asked | None:
    sent = {**query, **parse_qs(body.decode(errors="replace"), keep_blank_values=True)}
    values = {name: value[0] if isinstance(value, list) else value for name, value in sent.items()}
    name = values.get("Action", "")
    if name not in _model(model).operation_names:
        return None
    shape = _model(model).operation_model(name).input_shape
    return name, (_structure(shape, "", values) if shape else {})


def _structure(shape: Any, prefix: str, values: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        where = f"{prefix}{member.serialization.get('name', name)}"
        value = _value(member, where, values)
        if value not in (None, {}, []):
            found[name] = value
    return found


def _value(shape: Any, where: str, values: Mapping[str, str]) -> Any:
    """Decode one value of the query protocol: `Name`, `List.member.1`, `Map.entry.1.key`, `Structure.Name`."""
    if shape.type_name == "structure":
        inside = any(name.startswith(f"{where}.") for name in values)
        return _structure(shape, f"{where}.", values) if inside else None
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        item = where if flat else f"{where}.{shape.member.serialization.get('name', 'member')}"
        return list(_numbered(lambda number: _value(shape.member, f"{item}.{number}", values)))
    if shape.type_name == "map":
        keys = list(_numbered(lambda number: values.get(f"{where}.entry.{number}.key")))
        numbers = enumerate(keys, 1)
        return {key: _value(shape.value, f"{where}.entry.{number}.value", values) for number, key in numbers}
    text = values.get(where)
    if text is not None and shape.type_name in ("integer", "long"):
        return int(text)
    return text


def _numbered(value: Callable[[int], Any]) -> Iterator[Any]:
    number = 1
    while (found := value(number)) is not None:
        yield found
        number += 1


def _rest(model: str, method: str, path: str, body: bytes, query: dict[str, Any]) -> Asked | None:
    for name, verb, pattern in _routes(model):
        match = pattern.fullmatch(path.rstrip("/")) if verb == method else None
        if match is None:
            continue
        shape = _model(model).operation_model(name).input_shape
        payload = shape.serialization.get("payload") if shape else None
        sent = {} if payload or not body.startswith(b"{") else json.loads(body)
        for member, each in (shape.members if shape else {}).items():
            place, key = each.serialization.get("location"), each.serialization.get("name", member)
            if place == "uri":
                sent[member] = unquote(match[key])
            elif place == "querystring" and key in query and each.type_name == "string":
                sent[member] = query[key][0] if isinstance(query[key], list) else query[key]
        return name, sent
    return None


@functools.cache
def _routes(model: str) -> list[tuple[str, str, re.Pattern[str]]]:
    routes = []
    for name in _model(model).operation_names:
        http = _model(model).operation_model(name).http
        path = re.sub(
            r"\\{(\w+)(?:\\\+)?\\}", r"(?P<\1>[^/]+)", re.escape(http["requestUri"].partition("?")[0])
        )
        routes.append((name, http["method"], re.compile(path.rstrip("/"))))
    return routes


# --- what the model says ---


def _problems(model: str, name: str, sent: dict[str, Any]) -> list[str]:
    shape = _model(model).operation_model(name).input_shape
    return list(_check(shape, sent, "")) if shape else []


def _check(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Yield what is wrong with a value, in the words of AWS."""
    kind = shape.type_name
    if value is None or not _bounded(shape):
        return
    if kind == "structure" and isinstance(value, dict):
        for name in value.keys() & shape.members.keys():
            inside = name[:1].lower() + name[1:]
            yield from _check(shape.members[name], value[name], f"{where}.{inside}" if where else inside)
    elif kind == "list" and isinstance(value, list):
        yield from _size(shape.metadata, len(value), where)
        for number, each in enumerate(value, 1):
            yield from _check(shape.member, each, f"{where}.{number}.member")
    elif kind == "map" and isinstance(value, dict):
        yield from _size(shape.metadata, len(value), where)
        for key, each in value.items():
            yield from _check(shape.key, key, f"{where}.key")
            yield from _check(shape.value, each, f"{where}.{key}.member")
    elif kind == "string" and isinstance(value, str):
        yield from _size(shape.metadata, len(value), where)
        yield from _text({**shape.metadata, **RELAXED.get(shape.name, {})}, value, where)
    elif kind in ("integer", "long", "float", "double") and isinstance(value, int | float):
        yield from _size(shape.metadata, value, where, "value")


def _bounded(shape: Any) -> bool:
    """Return whether a shape or anything in it has a bound, so that the rest is not looked at."""
    if not hasattr(shape, "is_bounded"):
        shape.is_bounded = True  # while a shape that contains itself is being looked at
        shape.is_bounded = bool({"min", "max", "enum", "pattern"} & shape.metadata.keys()) or any(
            _bounded(inner) for inner in _inner(shape)
        )
    return bool(shape.is_bounded)


def _inner(shape: Any) -> list[Any]:
    if shape.type_name == "structure":
        return list(shape.members.values())
    if shape.type_name == "list":
        return [shape.member]
    return [shape.key, shape.value] if shape.type_name == "map" else []


def _size(bounds: Mapping[str, Any], size: float, where: str, measure: str = "length") -> Iterator[str]:
    failed = f"Value at '{where}' failed to satisfy constraint: Member must have {measure}"
    if "max" in bounds and size > bounds["max"]:
        yield f"{failed} less than or equal to {bounds['max']}"
    if "min" in bounds and size < bounds["min"]:
        yield f"{failed} greater than or equal to {bounds['min']}"


def _text(bounds: Mapping[str, Any], value: str, where: str) -> Iterator[str]:
    failed = f"Value at '{where}' failed to satisfy constraint: Member must satisfy"
    if "enum" in bounds and value not in bounds["enum"]:
        yield f"{failed} enum value set: [{', '.join(bounds['enum'])}]"
    pattern = _pattern(bounds["pattern"]) if "pattern" in bounds else None
    if pattern is not None and not pattern.fullmatch(value):
        yield f"{failed} regular expression pattern: {bounds['pattern']}"


@functools.cache
def _pattern(java: str) -> re.Pattern[str] | None:
    """Return a model's pattern, which is Java's, or None for one that Python cannot read."""
    named = {r"\p{ASCII}": r"\x00-\x7f", r"\p{Print}": r"\x20-\x7e"}
    for name, characters in named.items():
        java = java.replace(name, characters if "[" in java else f"[{characters}]")
    text = re.sub(r"\\p\{(\w)\}", lambda match: _category(match[1]), java)
    try:
        return re.compile(text)
    except re.error:
        return None


@functools.cache
def _categories() -> dict[str, list[tuple[int, int]]]:
    """Return the ranges of characters of each of Unicode's major categories."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    previous = ""
    for point in range(sys.maxunicode + 1):
        major = unicodedata.category(chr(point))[0]
        if major == previous:
            ranges[major][-1] = (ranges[major][-1][0], point)
        else:
            ranges.setdefault(major, []).append((point, point))
        previous = major
    return ranges


@functools.cache
def _category(major: str) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _categories()[major])

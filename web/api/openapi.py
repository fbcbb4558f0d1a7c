"""The OpenAPI document: ninja's description of the operations, completed with what all operations share."""

from typing import Any

from django.conf import settings
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from store.rate_limits import WINDOW_SECONDS
from store.text import PROSE_PATTERN
from web import problems
from web.api import deprecation
from web.api.describe import DEFERRED, HEADERS, LINKS
from web.api.requests import KEY_PATTERN, TAGS_MAX, TAGS_PATTERN
from web.api.schemas import ID

Document = dict[str, Any]

_PROBLEM = "application/problem+json"
_UNSAFE = ("post", "put", "patch", "delete")


_FIELD_VALUE = r"^[\t\x20-\x7e\x80-\xff]*$"  # of RFC 9110: whatever a header may hold


def _header(description: str, example: Any, **schema: Any) -> Document:
    return {
        "description": description,
        "example": example,
        "schema": {"type": "string", "maxLength": 255, "pattern": _FIELD_VALUE, **schema},
    }


_HEADERS: Document = {
    "RateLimit": _header(
        f"Requests left (r) and seconds until the next window (t), per {WINDOW_SECONDS} seconds",
        '"default";r=5999;t=42',
    ),
    "RateLimit-Policy": _header("Requests allowed (q) per window of seconds (w)", '"default";q=6000;w=60'),
    "Access-Control-Allow-Origin": _header(
        "Another site whose scripts may call, if this deployment allows it", "https://app.example.com"
    ),
    "X-Request-ID": _header("The request's id: the one you sent, or a new one", "3f1c9a"),
    "ETag": _header("Identifies the content of the response; for a single item, its version", '"3"'),
    "Link": _header(
        "The next page of a list; of a deprecated operation, what replaces it",
        '<https://todo.example.com/api/v1/tasks?cursor=x>; rel="next"',
        maxLength=4096,
    ),
    "Deprecation": _header("Since when the operation is deprecated", "@1796083200", pattern="^@[0-9]+$"),
    "Sunset": _header("Until when it works at least", "Wed, 01 Dec 2027 00:00:00 GMT"),
    "Idempotency-Replayed": _header(
        "This is the stored response to an earlier request", "true", enum=["true"]
    ),
    "Retry-After": _header("Seconds to wait", "17", pattern="^[0-9]+$"),
    "WWW-Authenticate": _header("How to sign in", 'Bearer realm="todo"'),
    "Sync-Since": _header(
        "The value of `updated_since` for the next sync; on first pages only",
        "2026-11-22T17:20:00.000000Z",
        format="date-time",
    ),
    "Sync-Reset": _header("Deletions may be missing: read the complete list again", "true", enum=["true"]),
}
_EVERYWHERE = ("Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy", "X-Request-ID")
# Status -> its meaning; code, detail and headers of the example.
_PROBLEMS: dict[int, tuple[str, str, str, tuple[str, ...]]] = {
    400: (
        "The body, a header or a precondition is malformed",
        "body-missing",
        "The body is missing. Send a JSON object.",
        (),
    ),
    401: ("No valid credentials", "invalid-token", "The access token is not valid.", ("WWW-Authenticate",)),
    403: (
        "The credentials are not enough: a read-only token, or no CSRF token",
        "insufficient-scope",
        "This token may not write. Use one with the scope `write`.",
        ("WWW-Authenticate",),
    ),
    404: ("Not found, or somebody else's", "task-not-found", "There is no such task.", ()),
    409: (
        "Another request with this key, or another change of the item, is in progress: try again",
        "idempotency-in-flight",
        "A request with this Idempotency-Key is still in flight. Try again with the same key.",
        ("Retry-After",),
    ),
    412: (
        "The item is not at the required version",
        "version-conflict",
        "It has changed since you read it: it is at version 4 now. Read it again.",
        (),
    ),
    413: (
        "The body is too large",
        "request-too-large",
        "The request has 1048600 bytes, and at most 1048576 are accepted.",
        (),
    ),
    415: (
        "The body is not JSON",
        "media-type",
        "Send the body as JSON, with `Content-Type: application/json`.",
        (),
    ),
    422: ("Fields or parameters are not valid", "validation", "Some fields are not valid.", ()),
    429: (
        "Too many requests",
        "rate-limit",
        "More than 6000 requests in a minute. Go on in 17 seconds.",
        ("Retry-After",),
    ),
    431: (
        "The headers are too large",
        "headers-too-large",
        "The request has 34183 bytes of headers, and at most 32768 are accepted.",
        (),
    ),
    500: ("Something went wrong on our side", "internal-error", problems.DETAILS[500], ()),
    503: (
        "AWS cannot be reached",
        "unavailable",
        "The data store cannot be reached. Nothing was changed unless you are told so; try again.",
        ("Retry-After",),
    ),
}
_FIELD_ERROR = {"field": "name", "message": "This field is required.", "code": "missing"}


class Api(NinjaAPI):
    """A NinjaAPI whose document has everything that clients and their generators need.

    Parameters
    ----------
    example_path
        A collection's path, for the document's examples.
    options
        NinjaAPI's own; ``openapi_extra`` may hold ``components`` besides the top level of the document.
    """

    def __init__(self, *, example_path: str, **options: Any) -> None:
        super().__init__(**options)
        self._example_path = example_path

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the operation's function."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        """Return the document."""
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        paths = document["paths"].values()
        for method, operation in ((method, each) for path in paths for method, each in path.items()):
            if describe := operation.pop(DEFERRED, None):
                document.deep_dict_update(operation, describe())
            _complete(method, operation, public="security" not in operation)
        document["components"] |= {
            "headers": _HEADERS | {"Location": _header("The new item", f"{self._example_path}/{ID}")},
            "parameters": _parameters(),
            "responses": {f"Problem{status}": _problem(status, self._example_path) for status in _PROBLEMS},
            **self.openapi_extra.get("components", {}),
        }
        _tidy(document)
        return document


def _complete(method: str, operation: Document, *, public: bool) -> None:
    responses = operation["responses"]
    problem_statuses = {status for status in responses if int(status) >= 400} | {400, 429, 431, 500, 503}
    problem_statuses |= set() if public else {401, 403}
    if public:
        operation["security"] = []
        problem_statuses -= {429, 503}
    else:
        operation.pop("security", None)
    for status in list(responses):
        if int(status) < 400:
            responses[status] = _success(int(status), responses[status], operation, method)
        else:
            del responses[status]
    for status in sorted(problem_statuses):
        responses[status] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = {str(status): response for status, response in sorted(responses.items())}
    if not public:
        operation["parameters"] = [*_own(operation), *_shared(method, operation)]
    for name in (HEADERS, LINKS):
        operation.pop(name, None)


def _own(operation: Document) -> list[Document]:
    """Return the operation's parameters; those it declares itself replace ninja's."""
    found: dict[tuple[str, str], Document] = {}
    for parameter in operation.get("parameters", []):
        found[parameter["in"], parameter["name"]] = parameter
        if parameter["in"] == "path":
            parameter["schema"].setdefault("maxLength", 128)
    return list(found.values())


def _shared(method: str, operation: Document) -> list[Document]:
    names = []
    statuses = operation["responses"].keys()
    if method in _UNSAFE:
        names.append("IdempotencyKey")
    if "412" in statuses:
        names += ["IfMatch", "IfNoneMatch"]
    if "304" in statuses:
        names.append("IfNoneMatchOfRead")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _parameters() -> Document:
    def header(name: str, description: str, **schema: Any) -> Document:
        shape = {"type": "string", "minLength": 1, "maxLength": 255, **schema}
        return {
            "name": name,
            "in": "header",
            "required": False,
            "description": description,
            "schema": shape,
        }

    tags = {"maxLength": TAGS_MAX, "format": "entity-tags", "pattern": rf"^(\*|{TAGS_PATTERN})$"}
    return {
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Makes it safe to repeat the request for 24 hours: 1 to 255 printable ASCII characters, such as a "
            "random UUID",
            format="idempotency-key",
            pattern=f"^{KEY_PATTERN}$",
        ),
        "IfMatch": header("If-Match", "Only if this is still its ETag", **tags),
        "IfNoneMatch": header("If-None-Match", "Only if this is no longer its ETag", **tags),
        "IfNoneMatchOfRead": header(
            "If-None-Match",
            "The ETag that you have: 304 if it is still the one. What is no ETag counts as not given",
            minLength=0,
            maxLength=settings.MAX_HEADER_BYTES,
            pattern=_FIELD_VALUE,
        ),
    }


def _refer(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _success(status: int, response: Document, operation: Document, method: str) -> Document:
    names = [*_EVERYWHERE, *operation.get(HEADERS, ())]
    if operation.get("deprecated"):
        names += deprecation.HEADERS
    conditional = {304, 412} & {int(known) for known in operation["responses"]}
    if status == 201:
        names.append("Location")
    if conditional and status != 204:
        names.append("ETag")
    if method in _UNSAFE:
        names.append("Idempotency-Replayed")
    links = {"links": operation[LINKS]} if LINKS in operation and status < 300 else {}
    return {**response, "headers": _refer(*names), **links}


def _problem(status: int, instance: str) -> Document:
    meaning, kind, detail, headers = _PROBLEMS[status]
    errors = [_FIELD_ERROR] if status == 422 else []
    example = problems.body(status, detail, kind, errors)
    example |= {"instance": instance, "request_id": "3f1c9a"}
    return {
        "description": meaning,
        "headers": _refer(*_EVERYWHERE, *headers),
        "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }


# The longest string of each format, where its schema has no limit; otherwise a page of text.
_LENGTHS = {"date": 10, "date-time": 40, "uuid": 36, "email": 254}
_LONGEST, _MOST, _LARGEST = 20_000, 10_000, 2**53


def _tidy(node: Any) -> None:
    """Drop the titles that pydantic derives from names, because generators turn them into classes; add limits."""
    if isinstance(node, list):
        for element in node:
            _tidy(element)
    elif isinstance(node, dict):
        is_schema = "type" in node or "anyOf" in node or "$ref" in node
        if is_schema and isinstance(node.get("title"), str) and "properties" not in node:
            del node["title"]
        _bound(node)
        for name, value in node.items():
            if name not in {"example", "examples", "default", "enum"}:
                _tidy(value)


def _bound(schema: Document) -> None:
    kind = schema.get("type")
    if kind == "string" and not {"enum", "const"} & schema.keys():
        schema.setdefault("maxLength", _LENGTHS.get(schema.get("format", ""), _LONGEST))
        if not {"format", "pattern"} & schema.keys():
            schema["pattern"] = PROSE_PATTERN
    elif kind == "array" and "items" in schema:
        schema.setdefault("maxItems", _MOST)
    elif kind == "integer":
        schema.setdefault("format", "int64")
        if "enum" not in schema:
            schema.setdefault("minimum", -_LARGEST)
            schema.setdefault("maximum", _LARGEST)

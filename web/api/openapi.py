"""The OpenAPI document: what ninja gathers from the operations, and what all operations have in common."""

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from store.rate_limits import WINDOW_SECONDS
from web import problems
from web.api.describe import LATER
from web.api.requests import TAGS_MAX
from web.api.schemas import ID

Document = dict[str, Any]

DESCRIPTION = """\
Tasks with due dates, checklists and recurrence, for one person at a time: everything here is the caller's own, and
what belongs to somebody else is not found.

**Sign in** with a Cognito ID or access token, or a personal access token, as `Authorization: Bearer`. A signed-in
browser's session works too, with the page's CSRF token in `X-CSRFToken`.

**Errors** are problem details (RFC 9457) with the request's id; `errors` names the fields. `type` is stable.

**Sending again** is safe with an `Idempotency-Key`: for 24 hours the same request with the same key is answered
with what was answered first, and `Idempotency-Replayed: true`. The same key with another request is a 422, with one
that is still being worked on a 409. Refusals are not stored.

**Concurrent changes** are noticed with `If-Match` and the `ETag` that came with what you read: 412 if it has changed.
`If-None-Match` saves reading what has not.

**Tracing**: an `X-Request-ID` of yours is returned, logged, and stored with what the request changes.

**Limits**: bodies of 1 MiB, 32 levels deep; pages of 100; batches of 25; `RateLimit` tells how many requests are left.
"""
TAGS = {
    "tasks": "Your tasks.",
    "trash": "Deleted tasks, kept for 30 days.",
    "users": "Your profile.",
    "access tokens": "Tokens for scripts.",
    "transfer": "Export and import.",
    "insights": "The figures of the dashboard, for managers.",
    "calendar": "Your due tasks as a calendar feed.",
    "health": "Whether the service answers.",
}
SECURITY_SCHEMES: Document = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Cognito ID or access token: a JWT signed with RS256, checked as RFC8725 says. Or a "
        "personal access token, which is opaque.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "The session of a signed-in browser. Unsafe methods also need `X-CSRFToken`.",
    },
}
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
_PROBLEM = "application/problem+json"
_UNSAFE = ("post", "put", "patch", "delete")


def _header(description: str, example: Any, **schema: Any) -> Document:
    return {
        "description": description,
        "example": example,
        "schema": {"type": "string", "maxLength": 255, **schema},
    }


HEADERS: Document = {
    "RateLimit": _header(
        f"Requests left (r) and seconds until there are new ones (t), per {WINDOW_SECONDS} seconds",
        '"default";r=5999;t=42',
    ),
    "RateLimit-Policy": _header("Requests allowed (q) in how many seconds (w)", '"default";q=6000;w=60'),
    "Access-Control-Allow-Origin": _header("Other sites' scripts may not call", "https://todo.example.com"),
    "X-Request-ID": _header("The request's id: yours, or made for you", "3f1c9a"),
    "ETag": _header("Stands for what was answered; of a task or a profile, its version", '"3"'),
    "Location": _header("Where what was created is", f"/api/v1/tasks/{ID}"),
    "Link": _header("The next page", '<https://…?cursor=…>; rel="next"', maxLength=4096),
    "Idempotency-Replayed": _header("An earlier request was answered so", "true", enum=["true"]),
    "Retry-After": _header("Seconds to wait", "17", pattern="^[0-9]+$"),
    "WWW-Authenticate": _header("How to sign in", 'Bearer realm="todo"'),
    "Sync-Since": _header(
        "What to give as `updated_since` next time; on first pages",
        "2026-11-22T17:20:00.000000Z",
        format="date-time",
    ),
    "Sync-Reset": _header("Deletions may be missing: read the whole list again", "true", enum=["true"]),
}
_EVERYWHERE = ("Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy", "X-Request-ID")
# Status -> what it means, kind of the example, detail of the example, headers.
_PROBLEMS: dict[int, tuple[str, str, str, tuple[str, ...]]] = {
    400: (
        "The body, a header or a precondition is malformed",
        "",
        "The body is missing. Send a JSON object.",
        (),
    ),
    401: ("No valid credentials", "", "The access token is not valid.", ("WWW-Authenticate",)),
    403: (
        "The credentials are not enough: a read-only token, or no CSRF token",
        "insufficient-scope",
        "This token may not write. Use one with the scope `write`.",
        ("WWW-Authenticate",),
    ),
    404: ("There is no such thing, or it is somebody else's", "", "There is no such task.", ()),
    409: (
        "Another request with this key, or another change of the task, is in flight: try again",
        "idempotency-in-flight",
        "A request with this Idempotency-Key is still in flight. Try again with the same key.",
        ("Retry-After",),
    ),
    412: (
        "It is not at the version that was demanded",
        "version-conflict",
        "It has changed since you read it: it is at version 4 now. Read it again.",
        (),
    ),
    413: ("The body is too large", "", "The request is too large: at most 1048576 bytes are accepted.", ()),
    415: ("The body is not JSON", "", "Send the body as JSON, with `Content-Type: application/json`.", ()),
    422: ("Fields or parameters are not valid", "validation", "Some fields are not valid.", ()),
    429: (
        "Too many requests",
        "rate-limit",
        "More than 6000 requests in a minute. Go on in 17 seconds.",
        ("Retry-After",),
    ),
    500: ("Something went wrong on our side", "", problems.DETAILS[500], ()),
    503: (
        "AWS cannot be reached",
        "unavailable",
        "The data store cannot be reached. Nothing was changed unless you are told so; try again.",
        ("Retry-After",),
    ),
}
_FIELD_ERROR = {"field": "title", "message": "This field is required.", "code": "missing"}
TASK_EXAMPLE: Document = {
    "id": ID,
    "user_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "title": "Pay the rent",
    "description": "From the *joint* account.",
    "status": "pending",
    "priority": "high",
    "category": "home",
    "tags": ["money"],
    "due_date": "2026-12-01",
    "due_time": "09:00",
    "timezone": "Europe/Berlin",
    "checklist": [{"id": "1f0e9c", "text": "Check the balance", "done": False}],
    "recurrence": "FREQ=MONTHLY",
    "next_task_id": None,
    "created_at": "2026-11-22T17:20:00.123456Z",
    "updated_at": "2026-11-22T17:20:00.123456Z",
    "completed_at": None,
    "deleted_at": None,
    "version": 1,
}
EXAMPLES: dict[str, Any] = {
    "TaskOut": TASK_EXAMPLE,
    "UserOut": {
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "email": "ada@example.com",
        "username": "ada",
        "name": "Ada Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "timezone": "Europe/London",
        "created_at": "2026-11-22T17:20:00.123456Z",
        "updated_at": "2026-11-22T17:20:00.123456Z",
        "version": 1,
    },
    "HealthOut": {"status": "healthy", "version": "0.1.0", "environment": "prod"},
    "BatchOut": {
        "results": [
            {
                "op": "create",
                "status": 201,
                "id": ID,
                "version": 1,
                "updated_at": "2026-11-22T17:20:00.123456Z",
            },
            {
                "op": "delete",
                "status": 404,
                "id": ID,
                "problem": problems.described(404, "There is no such task."),
            },
        ]
    },
}


class Api(NinjaAPI):
    """A NinjaAPI whose document says everything that clients and their generators want to know."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the operation's function."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        """Return the document."""
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for _, operation in _operations(document):
            if describe := operation.pop(LATER, None):
                document.deep_dict_update(operation, describe())
        complete(document)
        return document


def complete(document: Document) -> None:
    """Add to ninja's ``document`` what every operation has in common, and examples."""
    document["info"] |= {
        "description": DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    document["servers"] = [
        {"url": "/", "description": "This server: local, staging or production", "x-internal": "false"}
    ]
    used = {tag for _, operation in _operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [
        {"name": name, "description": TAGS.get(name, name.capitalize())} for name in sorted(used)
    ]
    document["security"] = _SECURITY
    components = document["components"]
    components |= {"headers": HEADERS, "securitySchemes": SECURITY_SCHEMES, "parameters": _parameters()}
    components["responses"] = {f"Problem{status}": _problem(status) for status in _PROBLEMS}
    for method, operation in _operations(document):
        _complete(method, operation, public=operation["operationId"] == "api_health")
    _tidy(document)
    for name, example in EXAMPLES.items():
        if name in components["schemas"]:
            components["schemas"][name]["examples"] = [example]


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path in document["paths"].values():
        yield from path.items()


def _complete(method: str, operation: Document, *, public: bool) -> None:
    responses = operation["responses"]
    problem_statuses = {status for status in responses if int(status) >= 400} | {429, 500, 503}
    problem_statuses |= set() if public else {401, 403}
    problem_statuses |= {400} if 304 in {int(status) for status in responses} else set()
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


def _own(operation: Document) -> list[Document]:
    """Return the operation's parameters; those declared beside ninja's own win."""
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
        names.append("IfMatch")
    if {"304", "412"} & statuses:
        names.append("IfNoneMatch")
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

    tags = {"maxLength": TAGS_MAX, "format": "entity-tags"}
    return {
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Makes it safe to send the request again, for 24 hours: 1 to 255 printable ASCII characters, such as a "
            "random UUID",
            format="idempotency-key",
        ),
        "IfMatch": header("If-Match", "Only if this is still its ETag", **tags),
        "IfNoneMatch": header("If-None-Match", "Only if this is not its ETag any more", **tags),
    }


def _refer(*names: str) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _success(status: int, response: Document, operation: Document, method: str) -> Document:
    names = list(_EVERYWHERE)
    conditional = {304, 412} & {int(known) for known in operation["responses"]}
    if status == 201:
        names.append("Location")
    if conditional and status != 204:
        names.append("ETag")
    if method in _UNSAFE:
        names.append("Idempotency-Replayed")
    if operation["operationId"] in {"list_tasks", "list_trash"}:
        names += (
            ["Link", "Sync-Since", "Sync-Reset"] if operation["operationId"] == "list_tasks" else ["Link"]
        )
    return {**response, "headers": _refer(*names)} | _links(status, operation)


def _links(status: int, operation: Document) -> Document:
    """What can be done next with a task that was answered with."""
    if operation["operationId"] not in {"create_task", "patch_task", "restore_task"} or status >= 300:
        return {}
    following = ("get_task", "patch_task", "put_task", "delete_task", "restore_task", "purge_task")
    parameters = {"task_id": "$response.body#/id"}
    return {"links": {name: {"operationId": name, "parameters": parameters} for name in following}}


def _problem(status: int) -> Document:
    meaning, kind, detail, headers = _PROBLEMS[status]
    errors = [_FIELD_ERROR] if status == 422 else []
    example = problems.described(status, detail, kind, errors)
    example |= {"instance": "/api/v1/tasks", "request_id": "3f1c9a"}
    return {
        "description": meaning,
        "headers": _refer(*_EVERYWHERE, *headers),
        "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }


# How long a string of a format can be, where its schema does not say; a page of text at most.
_LENGTHS = {"date": 10, "date-time": 40, "uuid": 36, "email": 254}
_LONGEST, _MOST, _LARGEST = 20_000, 10_000, 2**53


def _tidy(node: Any) -> None:
    """Drop the titles that pydantic makes of names, of which generators make classes; and say how much can come."""
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
    elif kind == "array" and "items" in schema:
        schema.setdefault("maxItems", _MOST)
    elif kind == "integer":
        schema.setdefault("format", "int64")
        if "enum" not in schema:
            schema.setdefault("minimum", -_LARGEST)
            schema.setdefault("maximum", _LARGEST)

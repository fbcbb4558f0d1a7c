"""What the log line of a request says of the request: enough to understand a change, nothing that anybody wrote.

The policy is a list of what may be shown, by name and form. A value is shown if its field is in ``SHOWN`` and it has
the form that is given there: a state, a date, an id, a number, a switch. Of the fields in ``MEASURED``, which hold what
people write, the size is shown. Of the fields in ``NEVER`` only that they were there. Every other field is counted, not
named: a field's name can be a secret too. Of paths and query strings the same is shown as of bodies; of headers and
cookies, no value but the version in ``If-Match``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAY = r"\d{4}-\d\d-\d\d"
_SWITCH = "true|false|on|1"
_FORMS = {
    "status": "pending|in_progress|completed|cancelled",
    "priority": "low|medium|high|urgent",
    "due_date": _DAY,
    "due_before": _DAY,
    "due_after": _DAY,
    "due_time": r"\d\d:\d\d",
    "updated_since": rf"{_DAY}T\d\d:\d\d(:\d\d(\.\d{{1,9}})?)?(Z|[+-]\d\d:\d\d)?",
    "completed_at": rf"{_DAY}T\d\d:\d\d:\d\d(\.\d{{1,9}})?Z",
    "sort": "-?(created|due|priority|updated)",
    "version": r"\d{1,6}",
    "if_version": r"\d{1,6}",
    "limit": r"\d{1,3}",
    "overdue": _SWITCH,
    "done": _SWITCH,
    "dry_run": _SWITCH,
    "deleted": _SWITCH,
    "id": _UUID,
    "ids": _UUID,
    "task_id": _UUID,
    "user_id": _UUID,
    "object_id": _UUID,
    "op": "create|update|delete|restore",
    "do": "complete|reopen|start|cancel|delete|apply",
    "to": "pending|in_progress|completed|cancelled",
    "was": "pending|in_progress|completed|cancelled",
    "kind": "run|replay|quarantine",
    "format": "json|csv",
    "theme": "light|dark|auto",
    "language": "en|de",
}
SHOWN = {name: re.compile(form) for name, form in _FORMS.items()}
MEASURED = frozenset(
    {
        "title", "description", "category", "tags", "tag", "checklist", "text", "recurrence", "timezone", "q", "line",
        "name", "given_name", "family_name", "email", "username", "identifier", "cursor", "file", "keep", "scopes",
    }
)  # fmt: skip
NEVER = frozenset(
    {
        "password", "old_password", "new_password", "current_password", "password_again", "code", "totp", "otp",
        "token", "access_token", "id_token", "refresh_token", "secret", "secret_code", "authorization", "cookie",
        "session", "sealed", "csrfmiddlewaretoken", "idempotency_key", "api_key", "signature",
    }
)  # fmt: skip
NESTED = frozenset({"operations", "task", "changes"})
NEVER_SHOWN = "[never]"
MAX_BODY_BYTES = 64 * 1024
MAX_PARTS = 120
MAX_ITEMS = 25
MAX_DEPTH = 4
_JSON = "json"
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def described(request: HttpRequest, answer: HttpResponse) -> dict[str, Any]:
    """Return the metadata of a request's log line: what it was about and what it asked for, by the policy above.

    At most about 10 kB. Reads nothing that the request's handler has not read.
    """
    match = request.resolver_match
    parts = {
        "resource": _resource(match.kwargs if match else {}),
        "query": _fields(request.GET.lists(), _Room()) if request.META.get("QUERY_STRING") else {},
        "body": _body(request),
        "headers": _headers(request),
    }
    found = {name: part for name, part in parts.items() if part}
    if answer.get("Idempotency-Replayed"):
        found["replayed"] = True
    return found


def _resource(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: _shown(name, str(value)) for name, value in kwargs.items() if name in SHOWN}
    return {name: value for name, value in shown.items() if value is not None}


def _headers(request: HttpRequest) -> dict[str, Any]:
    given: dict[str, Any] = {}
    version = _shown("if_version", request.META.get("HTTP_IF_MATCH", "").strip('W/"'))
    if version is not None:
        given["if_version"] = version
    for name, header in (("idempotent", "HTTP_IDEMPOTENCY_KEY"), ("htmx", "HTTP_HX_REQUEST")):
        if header in request.META:
            given[name] = True
    return given


class _Room:
    """How many more parts a description may have."""

    def __init__(self) -> None:
        self.left = MAX_PARTS

    def taken(self) -> bool:
        """Take one; whether there was one."""
        self.left -= 1
        return self.left >= 0


def _body(request: HttpRequest) -> Any:
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type in _FORM_TYPES:
        # As the handler parsed it; a form that nobody looked at is not read now.
        form = getattr(request, "_post", None)
        return _fields(form.lists(), _Room()) if form else None
    raw = getattr(request, "_body", b"")
    if not raw:
        return None
    if not content_type.endswith(_JSON) or len(raw) > MAX_BODY_BYTES:
        return {"bytes": len(raw)}
    try:
        return _value("", json.loads(raw), _Room(), MAX_DEPTH)
    except (ValueError, RecursionError):
        return {"bytes": len(raw)}


def _fields(lists: Iterable[tuple[str, list[Any]]], room: _Room) -> dict[str, Any]:
    given = {name: values[0] if len(values) == 1 else values for name, values in lists}
    return dict(_mapping(given, room, MAX_DEPTH))


def _value(name: str, value: Any, room: _Room, depth: int) -> Any:
    if depth == 0 or not room.taken():
        return "[more]"
    if name in NEVER:
        return NEVER_SHOWN
    if isinstance(value, dict):
        return _mapping(value, room, depth - 1) if not name or name in NESTED else f"[{len(value)} fields]"
    if isinstance(value, list):
        if name in MEASURED:
            return f"[{len(value)} items]"
        return [_value(name, item, room, depth - 1) for item in value[:MAX_ITEMS]]
    shown = value if value is None or isinstance(value, bool) else _shown(name, value)
    return _size(value) if shown is None and value is not None else shown


def _mapping(value: Mapping[str, Any], room: _Room, depth: int) -> dict[str, Any]:
    known = [name for name in value if name in SHOWN or name in MEASURED or name in NEVER or name in NESTED]
    found = {name: _value(name, value[name], room, depth) for name in known}
    if len(known) < len(value):
        found["(others)"] = len(value) - len(known)
    return found


def _shown(name: str, value: Any) -> Any:
    """The value, if the policy lets it be seen."""
    form = SHOWN.get(name)
    if form is None or isinstance(value, float) or not form.fullmatch(str(value)):
        return None
    return value


def _size(value: Any) -> str:
    return f"[{len(value)} characters]" if isinstance(value, str) else "[number]"

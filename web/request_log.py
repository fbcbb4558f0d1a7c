"""The metadata in the log line of a request: enough to understand a change, without any text that a user wrote.

``settings.REQUEST_LOG_POLICY`` is a list of what may be shown. It applies to bodies, paths and query strings alike. Of
headers and cookies, no value is shown but the version in ``If-Match``.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True)
class Policy:
    """The fields that may be shown. Fields it does not name are only counted: a field's name can be a secret too.

    Attributes
    ----------
    shown
        Field -> regular expression. A value that matches it as a whole is shown.
    measured
        Fields that hold users' texts: their size is shown.
    never
        Fields that hold secrets: only their presence is shown.
    nested
        Fields whose objects are described field by field.
    """

    shown: Mapping[str, str]
    measured: Collection[str]
    never: Collection[str]
    nested: Collection[str]

    @cached_property
    def forms(self) -> dict[str, re.Pattern[str]]:
        """The compiled ``shown``."""
        return {name: re.compile(form) for name, form in self.shown.items()}

    def knows(self, name: str) -> bool:
        """Return whether the policy names the field."""
        return any(name in fields for fields in (self.shown, self.measured, self.never, self.nested))


NEVER_SHOWN = "[never]"
MAX_BODY_BYTES = 64 * 1024
MAX_PARTS = 120
MAX_ITEMS = 25
MAX_DEPTH = 4
_JSON = "json"
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def metadata(request: HttpRequest, answer: HttpResponse) -> dict[str, Any]:
    """Return the metadata of a request's log line, about 10 kB at most: resource, query, body and headers.

    Reads nothing that the request's handler has not read.
    """
    match = request.resolver_match
    parts = {
        "resource": _resource(match.kwargs if match else {}),
        "query": _fields(request.GET.lists(), _Budget()) if request.META.get("QUERY_STRING") else {},
        "body": _body(request),
        "headers": _headers(request),
    }
    found = {name: part for name, part in parts.items() if part}
    if answer.get("Idempotency-Replayed"):
        found["replayed"] = True
    return found


def _resource(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: _shown(name, str(value)) for name, value in kwargs.items()}
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


class _Budget:
    """The number of parts that may still be described."""

    def __init__(self) -> None:
        self.left = MAX_PARTS

    def take(self) -> bool:
        """Use up one part; return False if none was left."""
        self.left -= 1
        return self.left >= 0


def _body(request: HttpRequest) -> Any:
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type in _FORM_TYPES:
        # The form as the handler parsed it; one that the handler did not read is not read here.
        form = getattr(request, "_post", None)
        return _fields(form.lists(), _Budget()) if form else None
    raw = getattr(request, "_body", b"")
    if not raw:
        return None
    if not content_type.endswith(_JSON) or len(raw) > MAX_BODY_BYTES:
        return {"bytes": len(raw)}
    try:
        return _value("", json.loads(raw), _Budget(), MAX_DEPTH)
    except (ValueError, RecursionError):
        return {"bytes": len(raw)}


def _fields(lists: Iterable[tuple[str, list[Any]]], budget: _Budget) -> dict[str, Any]:
    given = {name: values[0] if len(values) == 1 else values for name, values in lists}
    return dict(_mapping(given, budget, MAX_DEPTH))


def _value(name: str, value: Any, budget: _Budget, depth: int) -> Any:
    if depth == 0 or not budget.take():
        return "[more]"
    policy: Policy = settings.REQUEST_LOG_POLICY
    if name in policy.never:
        return NEVER_SHOWN
    if isinstance(value, dict):
        if name and name not in policy.nested:
            return f"[{len(value)} fields]"
        return _mapping(value, budget, depth - 1)
    if isinstance(value, list):
        if name in policy.measured:
            return f"[{len(value)} items]"
        return [_value(name, item, budget, depth - 1) for item in value[:MAX_ITEMS]]
    shown = value if value is None or isinstance(value, bool) else _shown(name, value)
    return _size(value) if shown is None and value is not None else shown


def _mapping(value: Mapping[str, Any], budget: _Budget, depth: int) -> dict[str, Any]:
    known = [name for name in value if settings.REQUEST_LOG_POLICY.knows(name)]
    found = {name: _value(name, value[name], budget, depth) for name in known}
    if len(known) < len(value):
        found["(others)"] = len(value) - len(known)
    return found


def _shown(name: str, value: Any) -> Any:
    """Return the value if the policy allows it to be shown, else None."""
    form = settings.REQUEST_LOG_POLICY.forms.get(name)
    if form is None or isinstance(value, float) or not form.fullmatch(str(value)):
        return None
    return value


def _size(value: Any) -> str:
    return f"[{len(value)} characters]" if isinstance(value, str) else "[number]"

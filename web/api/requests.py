"""Reads requests: the JSON body, the query string, the conditional headers and ``Idempotency-Key``."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from pydantic import TypeAdapter
from pydantic_core import from_json

from store import validation, versions
from store.errors import FieldError, TooMany, ValidationFailed
from store.idempotency import Once, StoredReply
from store.steps import OutOfStepsError, Steps
from web.api.error_handlers import RequestProblem

KEY_MAX = 255
TAGS_MAX = 1024
MAX_DEPTH, MAX_VALUES = 32, 20_000
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json", re.IGNORECASE)
# In the part of regular expressions that Python and JavaScript share: the OpenAPI document has them, too.
KEY_PATTERN = r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?"
_TAG_PATTERN = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
TAGS_PATTERN = rf"[ \t,]*{_TAG_PATTERN}[ \t]*(?:,[ \t]*(?:{_TAG_PATTERN}[ \t]*)?)*"
_KEY, _TAG, _TAGS = (re.compile(pattern) for pattern in (KEY_PATTERN, _TAG_PATTERN, TAGS_PATTERN))


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return the body, a JSON object. Raises RequestProblem 400 (missing, malformed) or 415 (not JSON)."""
    check_coding(request)
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip()
    if content_type and not _JSON.fullmatch(content_type):
        raise RequestProblem(
            415, "media-type", "Send the body as JSON, with `Content-Type: application/json`."
        )
    body = request.body
    if not body.strip():
        raise RequestProblem(400, "body-missing", "The body is missing. Send a JSON object.")
    try:
        value = from_json_text(body.decode())
    except UnicodeDecodeError as error:
        raise RequestProblem(
            400, "malformed-body", f"The body is not valid UTF-8, from byte {error.start} on."
        ) from None
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep("far more") from None
        raise RequestProblem(400, "malformed-body", f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise RequestProblem(400, "malformed-body", "The body must be a JSON object, such as {}.")
    _check_extent(value)
    return value


def from_json_text(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError, also if an object has a name twice."""
    # Unlike json.loads this bounds the nesting, and refuses NaN and lone surrogates.
    value = from_json(text, allow_inf_nan=False)
    json.loads(text, object_pairs_hook=_check_names)  # from_json keeps the last of two values
    return value


def _check_names(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _value in pairs]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise ValueError(f"the name “{twice[:50]}” occurs twice in one object")


def check_coding(request: HttpRequest) -> None:
    """Refuse a compressed body, and one in another character set than UTF-8. Raises RequestProblem 415."""
    charset = request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"
    if charset.strip().lower() not in {"utf-8", "utf8"}:
        raise RequestProblem(
            415, "charset", "Send the body in UTF-8, with no `charset` or with `charset=utf-8`."
        )
    if request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in {"", "identity"}:
        raise RequestProblem(
            415,
            "content-encoding",
            "Send the body as it is, without `Content-Encoding`.",
            {"Accept-Encoding": "identity"},
        )


def _check_extent(value: dict[str, Any]) -> None:
    """Refuse a body with too many levels or values. Raises RequestProblem 422 and 413."""
    level: list[Any] = [value]
    levels, values, found = Steps(MAX_DEPTH), Steps(MAX_VALUES), 1
    try:
        while level:
            levels.spend()
            inner = [
                each for outer in level for each in (outer.values() if isinstance(outer, dict) else outer)
            ]
            found += len(inner)
            level = [each for each in inner if isinstance(each, dict | list)]
        values.spend(found)
    except OutOfStepsError as error:
        if not values.taken:
            raise _too_deep(f"more than {MAX_DEPTH}") from None
        detail = f"The body has {error.measured} values, and at most {error.limit} are accepted. Send fewer at a time."
        raise RequestProblem(413, TooMany.kind, detail) from None


def _too_deep(measured: str) -> RequestProblem:
    detail = f"The body is nested too deeply: it has {measured} levels, and at most {MAX_DEPTH} are accepted."
    return RequestProblem(422, "too-deep", detail)


def split(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a body's changeable fields, and the read-only fields that it repeats."""
    changes = {name: value for name, value in body.items() if name not in versions.READ_ONLY}
    return changes, {name: body[name] for name in body.keys() - changes.keys()}


def query(request: HttpRequest, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the validated query string. Raises ValidationFailed, also for repeated parameters."""
    repeated = [name for name, values in request.GET.lists() if len(values) > 1]
    if repeated:
        raise ValidationFailed(
            [FieldError(field=name[:100], message="Give it once.", code="repeated") for name in repeated[:20]]
        )
    return validation.clean(adapter, request.GET.dict())


class Versions:
    """The versions that a request's preconditions accept: ``allowed`` (None: any) except ``refused`` (None: all).

    Version 0 means that the item does not exist.
    """

    def __init__(self, allowed: list[str] | None, refused: list[str] | None) -> None:
        self._allowed, self._refused = allowed, refused

    def __contains__(self, version: object) -> bool:
        if version == 0:
            return self._allowed is None
        tag = f'"{version}"'
        refused = self._refused is None or tag in [name.removeprefix("W/") for name in self._refused]
        return not refused and (self._allowed is None or tag in self._allowed)


def preconditions(request: HttpRequest) -> Versions | None:
    """Return the versions that ``If-Match`` and ``If-None-Match`` accept; None for any.

    A weak tag never matches in ``If-Match``. Raises RequestProblem 400.
    """
    if not {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"} & request.META.keys():
        return None
    allowed = _tags(request, "If-Match") if "HTTP_IF_MATCH" in request.META else None
    refused = _tags(request, "If-None-Match") if "HTTP_IF_NONE_MATCH" in request.META else []
    return None if allowed is None and refused == [] else Versions(allowed, refused)


def client_has(request: HttpRequest, etag: str) -> bool:
    """Return whether the client, by ``If-None-Match``, has the version that ``etag`` identifies.

    A condition that is malformed does not count: the client gets what it would get without one.
    """
    if "HTTP_IF_NONE_MATCH" not in request.META:
        return False
    try:
        tags = _tags(request, "If-None-Match")
    except RequestProblem:
        return False
    return tags is None or etag.removeprefix("W/") in [tag.removeprefix("W/") for tag in tags]


def _tags(request: HttpRequest, name: str) -> list[str] | None:
    """Return the entity tags of a header, None for ``*``. Raises RequestProblem 400."""
    header = request.headers[name].strip()
    if header == "*":
        return None
    if len(header) > TAGS_MAX:
        detail = f"{name} has {len(header)} characters, and at most {TAGS_MAX} are accepted."
        raise RequestProblem(400, "malformed-condition", detail)
    if not _TAGS.fullmatch(header):
        detail = f'{name} must be an ETag that you were sent, such as "3", or *.'
        raise RequestProblem(400, "malformed-condition", detail)
    return _TAG.findall(header)


def once(request: HttpRequest, payload: Any, reply: Callable[[Any], StoredReply]) -> Once | None:
    """Return the idempotency record for ``Idempotency-Key``; None without one. Raises RequestProblem 400."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if len(key) > KEY_MAX or not _KEY.fullmatch(key):
        detail = f"Idempotency-Key must be 1 to {KEY_MAX} printable ASCII characters. It has {len(key)} characters."
        raise RequestProblem(400, "malformed-idempotency-key", detail)
    canonical = json.dumps([request.method, request.path, payload], sort_keys=True, separators=(",", ":"))
    return Once(key, hashlib.sha256(canonical.encode()).hexdigest(), reply)

"""Reading what a client sent: the JSON body, the query string, the conditional and idempotency headers."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from pydantic_core import from_json

from tasks.api.errors import RequestProblem
from tasks.idempotency import Once, StoredReply
from tasks.items import TaskItem

KEY_MAX = 255
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_ETAG = re.compile(r'"(\d{1,15})"')


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return the body, a JSON object. Raises RequestProblem 400 (missing, malformed) or 415 (not JSON)."""
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip()
    if content_type and not _JSON.fullmatch(content_type):
        raise RequestProblem(415, "Send the body as JSON, with `Content-Type: application/json`.")
    body = request.body
    if not body.strip():
        raise RequestProblem(400, "The body is missing. Send a JSON object.")
    try:
        # Unlike json.loads this bounds the nesting, and refuses NaN and lone surrogates.
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RequestProblem(400, f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise RequestProblem(400, "The body must be a JSON object, such as {}.")
    return value


def expected_version(request: HttpRequest) -> int | None:
    """Return the version that ``If-Match`` demands, None for no demand. Raises RequestProblem 400."""
    header = request.META.get("HTTP_IF_MATCH", "*").strip()
    if header == "*":
        return None
    match = _ETAG.fullmatch(header)
    if match is None:
        raise RequestProblem(400, 'If-Match must be the ETag of the task as you read it, such as "3", or *.')
    return int(match[1])


def once(request: HttpRequest, payload: Any, reply: Callable[[TaskItem], StoredReply]) -> Once | None:
    """Return what makes the request safe to repeat, None without ``Idempotency-Key``. Raises RequestProblem 400."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if len(key) > KEY_MAX or not _KEY.fullmatch(key):
        raise RequestProblem(400, f"Idempotency-Key must be 1 to {KEY_MAX} printable ASCII characters.")
    canonical = json.dumps([request.method, request.path, payload], sort_keys=True, separators=(",", ":"))
    return Once(key, hashlib.sha256(canonical.encode()).hexdigest(), reply)

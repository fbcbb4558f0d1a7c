"""Answers with an entity tag, and answers that may be stored for a repeated request."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from store.idempotency import StoredReply
from store.model import Authored
from web.api import requests

JSON = "application/json"

# Clients may keep what has an ETag, if they ask each time whether it is still right.
_REVALIDATE = "private, no-cache"


def etag(item: Authored) -> str:
    """Return the entity tag of a task or a profile: its version."""
    return f'"{item.version}"'


def revalidated(request: HttpRequest, tag: str, content: bytes) -> HttpResponse:
    headers = {"ETag": tag, "Cache-Control": _REVALIDATE}
    if requests.has(request, tag):
        answer = HttpResponse(status=304, headers=headers)
        del answer["Content-Type"]
        return answer
    return HttpResponse(content, content_type=JSON, headers=headers)


def deleted(_: Any) -> StoredReply:
    """Return the answer to a deletion."""
    return StoredReply(204, "")


def answer(reply: StoredReply, *, replayed: bool = False) -> HttpResponse:
    """Answer with ``reply``; of a replay the headers say that it is one."""
    response = HttpResponse(reply.body, status=reply.status, headers=reply.headers)
    if reply.body:
        response["Content-Type"] = JSON
    else:
        del response["Content-Type"]
    if replayed:
        response["Idempotency-Replayed"] = "true"
    return response

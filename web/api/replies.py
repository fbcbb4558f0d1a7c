"""Responses with an entity tag, and responses that are stored for repeated requests."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse

from store.idempotency import StoredReply
from store.model import Authored
from web.api import requests

JSON = "application/json"

# Clients may cache a response with an ETag if they revalidate it each time.
_REVALIDATE = "private, no-cache"


def etag(item: Authored) -> str:
    """Return an item's entity tag: its version."""
    return f'"{item.version}"'


def weak_tag(content: bytes) -> str:
    """Return the entity tag of a response that shows more than one item, or no version."""
    return f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def revalidated(request: HttpRequest, tag: str, content: bytes) -> HttpResponse:
    """Answer with JSON ``content``, or with 304 if the client has the version that ``tag`` identifies."""
    headers = {"ETag": tag, "Cache-Control": _REVALIDATE}
    if requests.client_has(request, tag):
        answer = HttpResponse(status=304, headers=headers)
        del answer["Content-Type"]
        return answer
    return HttpResponse(content, content_type=JSON, headers=headers)


def deleted(_: Any) -> StoredReply:
    """Return the response to a deletion."""
    return StoredReply(204, "")


def answer(reply: StoredReply, *, replayed: bool = False) -> HttpResponse:
    """Answer with ``reply``; a header marks a replay."""
    response = HttpResponse(reply.body, status=reply.status, headers=reply.headers)
    if reply.body:
        response["Content-Type"] = JSON
    else:
        del response["Content-Type"]
    if replayed:
        response["Idempotency-Replayed"] = "true"
    return response

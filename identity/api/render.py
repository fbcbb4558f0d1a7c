"""From profiles to answers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from identity.api.schemas import UserOut
from identity.items import UserItem
from store.idempotency import StoredReply
from web.api.replies import etag, revalidated


def user_values(user: dict[str, Any]) -> dict[str, Any]:
    """Return what its owner sees of a profile's item."""
    return {name: user.get(name) for name in UserOut.model_fields}


def user(request: HttpRequest, item: UserItem) -> HttpResponse:
    """Answer with a profile, or that the client has it (304)."""
    return revalidated(request, etag(item), to_json(user_values(item.attribute_values)))


def saved_user(item: UserItem, status: int = 200) -> StoredReply:
    """Return the answer to a profile that was made (201) or changed."""
    body = to_json(user_values(item.attribute_values)).decode()
    return StoredReply(status, body, {"ETag": etag(item)})

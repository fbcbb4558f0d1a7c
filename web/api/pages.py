"""Pages of lists, and the ``Link`` header that leads to the next one."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from store import cursors
from store.paging import LIMIT
from web.api import replies, requests
from web.api.schemas import PAGE_QUERY

Item = TypeVar("Item")


def next_link(request: HttpRequest, **parameters: Any) -> str:
    """Return the value of ``Link`` for the request's list with other ``parameters``."""
    address = f"{request.build_absolute_uri(request.path)}?{urlencode(request.GET.dict() | parameters)}"
    return f'<{address}>; rel="next"'


def respond(
    request: HttpRequest,
    scope: str,
    items: Iterable[Item],
    position: Callable[[Item], Any],
    shown: Callable[[Item], Any],
) -> HttpResponse:
    """Respond with a page of a list that is short enough to be read whole, or with 304 if the client's is current.

    Parameters
    ----------
    scope
        Identifies the list and whose it is: a cursor is good for no other.
    items
        The whole list; the positions fall from one item to the next.
    position
        Returns where an item stands, a text or a number. It does not change while the item exists.
    shown
        Returns an item's JSON.

    Raises ValidationFailed, InvalidCursor.
    """
    given = requests.query(request, PAGE_QUERY)
    limit = given.get("limit", LIMIT)
    after = cursors.load(scope, given["cursor"])[0] if "cursor" in given else None
    rest = [item for item in items if after is None or position(item) < after]
    content = to_json([shown(item) for item in rest[:limit]])
    response = replies.revalidated(request, replies.weak_tag(content), content)
    if len(rest) > limit:
        cursor = cursors.dump(scope, [position(rest[limit - 1])])
        response["Link"] = next_link(request, limit=limit, cursor=cursor)
    return response

"""``/api/v1/calendar``: the address of the caller's calendar feed, and the feed for calendar programs."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field
from pydantic_core import to_json

from identity import allowance, calendar_address
from identity.api.access_tokens import refuse_token_holders
from identity.errors import CalendarFeedNotFound
from identity.sign_in import context
from store.idempotency import StoredReply
from tasks import calendar_feed
from web.api import replies, requests
from web.api.schemas import Problem, out

router = Router(tags=["calendar"])
ICALENDAR = "text/calendar; charset=utf-8"


class CalendarFeedOut(Schema):
    """Your calendar feed, with the time its address was created. The address itself is not shown again."""

    model_config = out({"created_at": "2026-11-22T17:20:00.123456Z"})
    created_at: Annotated[str, Field(max_length=27, json_schema_extra={"format": "date-time"})]


class NewCalendarFeedOut(Schema):
    """The address of your calendar feed. Anyone who has it can read your due tasks. Keep it: it is not shown again."""

    model_config = out({"url": "https://example.com/api/v1/calendar/todo_….ics"})
    url: Annotated[str, Field(max_length=500, json_schema_extra={"format": "uri"})]


@router.get(
    "", response={200: CalendarFeedOut, 404: Problem}, summary="Get my calendar feed", url_name="calendar"
)
def get_calendar(request: HttpRequest) -> HttpResponse:
    """Get the time the address of your calendar feed was created; 404 if you have none."""
    feed = calendar_address.get(context(request).user_id)
    if feed is None:
        raise CalendarFeedNotFound
    return replies.answer(StoredReply(200, to_json({"created_at": feed.created_at}).decode()))


@router.post(
    "",
    response={201: NewCalendarFeedOut, **dict.fromkeys((400, 409, 422), Problem)},
    summary="Give my calendar feed a new address",
)
def create_calendar(request: HttpRequest) -> HttpResponse:
    """Create a calendar feed of your due tasks, or give it a new address; the old one stops working at once.

    Calendar programs subscribe to the address without signing in. Access tokens cannot do this.
    """
    refuse_token_holders(request)
    token, replayed = calendar_address.enable_once(
        context(request), requests.once(request, None, replies.deleted)
    )
    url = calendar_feed.address(token)
    return replies.answer(
        StoredReply(201, to_json({"url": url}).decode(), {"Location": url}), replayed=replayed
    )


@router.delete(
    "",
    response={204: None, **dict.fromkeys((400, 404, 409, 422), Problem)},
    summary="End my calendar feed",
)
def delete_calendar(request: HttpRequest) -> HttpResponse:
    """End your calendar feed. Its address stops working at once."""
    once = requests.once(request, None, replies.deleted)
    return replies.answer(
        StoredReply(204, ""), replayed=calendar_address.disable(context(request), once=once)
    )


@router.get("/{token}.ics", auth=None, include_in_schema=False, url_name="calendar_feed")
def read_calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """Respond with the feed as iCalendar, or with 304 if the calendar program's copy is current."""
    owner = calendar_address.owner_of(token)
    allowance.begin(request, allowance.feed_principal(owner), settings.FEED_LIMIT_PER_MINUTE)
    content = calendar_feed.render(owner, datetime.now(UTC).date())
    etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if requests.client_has(request, etag):
        return HttpResponse(status=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="tasks.ics"'
    return HttpResponse(content, content_type=ICALENDAR, headers=headers)

"""A person's due tasks as an iCalendar feed (RFC 5545), under an address that only they know.

The address holds whose feed it is and 256 random bits; the table holds its hash. There is one feed for a person, so a
new address replaces the old one, and either ends at once: every request reads the item.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings

from identity import bearer_secrets
from store import calls, idempotency
from store.context import RequestContext
from store.idempotency import Once
from tasks import selectors
from tasks.errors import CalendarFeedNotFound
from tasks.items import CalendarFeedItem, calendar_feed_key
from tasks.selectors import TaskFilters

if TYPE_CHECKING:
    from icalendar import Alarm, Event

MAX_EVENTS = 1000
PAGE = 250
ADDRESS_MAX = 512  # the key of an item has a limit too, and breaking that one would be an error
REFRESH = timedelta(hours=1)
# What was due longer ago than this is left out.
HISTORY = timedelta(days=366)
# A task with a time of day takes half an hour of the calendar, and its reminder comes as long before.
LENGTH = timedelta(minutes=30)
# A task of the whole day is remembered in the morning.
MORNING = timedelta(hours=9)
PRIORITIES = {"urgent": 1, "high": 3, "medium": 5, "low": 9}

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """A person's feed: since when its address has been this one. The address itself is not known."""

    created_at: str


def get(user_id: str) -> CalendarFeed | None:
    """Return the feed of ``user_id``, or None if there is none. One GetItem."""
    item = calls.get(calendar_feed_key(user_id))
    return CalendarFeed(item["created_at"]) if item else None


def enable(ctx: RequestContext, *, once: Once | None = None) -> str:
    """Give ``ctx.user_id`` a feed with a new address, and return its secret part, which is not shown again.

    An old address ends. One request to DynamoDB. With ``once`` the same request again returns the same for a day.

    Raises ShutOut, IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    return enable_once(ctx, once)[0]


def enable_once(ctx: RequestContext, once: Once | None) -> tuple[str, bool]:
    """Do what ``enable`` does; return also whether an earlier request had."""
    nonce = bearer_secrets.new_nonce(once)
    token = _token(ctx.user_id, nonce)
    pk, sk = calendar_feed_key(ctx.user_id)
    item = {
        "PK": pk,
        "SK": sk,
        "entity_type": "CALENDAR_FEED",
        "user_id": ctx.user_id,
        "secret_hash": bearer_secrets.digest(token),
        "request_id": ctx.request_id,
        "created_at": ctx.timestamp,
    }
    earlier = bearer_secrets.create(ctx, CalendarFeedItem.of(item), calls.put(item), once, nonce)
    return (token, False) if earlier is None else (_token(ctx.user_id, earlier), True)


def disable(ctx: RequestContext, *, once: Once | None = None) -> bool:
    """End the feed of ``ctx.user_id``; return whether an earlier request of the same key had.

    One request to DynamoDB, two if there is no feed. Raises CalendarFeedNotFound, and what ``enable`` raises.
    """
    pk, sk = key = calendar_feed_key(ctx.user_id)
    feed = CalendarFeedItem.of({"PK": pk, "SK": sk})
    try:
        return bearer_secrets.write(ctx, feed, [calls.delete_existing(key)], once) is not None
    except calls.ConditionFailed:
        if idempotency.earlier(ctx, once) is None:
            raise CalendarFeedNotFound from None
        return True


def remove(user_id: str) -> None:
    """End the feed of ``user_id``, if there is one. One request to DynamoDB."""
    calls.remove(calendar_feed_key(user_id))


def owner_of(token: str) -> str:
    """Return whose feed ``token`` opens. One GetItem; none for what cannot be one. Raises CalendarFeedNotFound."""
    content = bearer_secrets.read(token) if len(token) <= ADDRESS_MAX else None
    try:
        user_id = (content or b"")[bearer_secrets.BYTES :].decode()
    except UnicodeDecodeError:
        raise CalendarFeedNotFound from None
    item = calls.get(calendar_feed_key(user_id)) if user_id else None
    if not item or not bearer_secrets.matches(token, item["secret_hash"]):
        raise CalendarFeedNotFound
    return user_id


def _token(user_id: str, nonce: str) -> str:
    return bearer_secrets.show(bearer_secrets.make(nonce=nonce) + user_id.encode())


# --- What is in it -------------------------------------------------------------------------------------------


def render(user_id: str, today: date) -> bytes:
    """Return the feed: the open tasks of ``user_id`` that are due, at most ``MAX_EVENTS`` of them, the earliest first.

    One Query for ``PAGE`` tasks. What it says depends on the tasks only, not on when it is asked.
    """
    from icalendar import Calendar  # a fifth of a second to import: only calendars pay

    calendar = Calendar.new(prodid="-//Todo with Insights//Tasks//EN", name="Tasks", uid=f"tasks-{user_id}")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    first = date.max
    for task in _due(user_id, today):
        calendar.add_component(_event(task))
        first = min(first, date.fromisoformat(task["due_date"]))
    if first < date.max:
        calendar.add_missing_timezones(first_date=first.replace(month=1, day=1))
    return bytes(calendar.to_ical(sorted=True))


def _due(user_id: str, today: date) -> Iterator[Values]:
    filters = TaskFilters(due_after=(today - HISTORY).isoformat())
    left, cursor = MAX_EVENTS, None
    while left > 0:
        page = selectors.list_tasks(user_id, filters=filters, limit=min(left, PAGE), cursor=cursor)
        yield from (task.attribute_values for task in page.items)
        left, cursor = left - len(page.items), page.next_cursor
        if cursor is None:
            return


def _event(task: Values) -> "Event":
    from icalendar import Event

    start = _start(task)
    changed = datetime.fromisoformat(task["updated_at"])
    event = Event.new(
        uid=f"{task['id']}@tasks",
        start=start,
        # Without a method the stamp is when it was last changed (RFC 5545, 3.8.7.2).
        stamp=changed,
        created=datetime.fromisoformat(task["created_at"]),
        last_modified=changed,
        sequence=task["version"],
        summary=task["title"],
        description=_description(task) or None,
        categories=[*filter(None, [task.get("category")]), *task.get("tags", ())],
        priority=PRIORITIES[task["priority"]],
        url=f"{settings.APP_URL}/tasks/{task['id']}/",
        end=start + LENGTH if isinstance(start, datetime) else start + timedelta(days=1),
    )
    event.add("transp", "TRANSPARENT")  # a task is no appointment: its time is not taken
    event.add("class", "PRIVATE")
    if task.get("recurrence"):
        event.add("rrule", _rule(task["recurrence"], start))
    event.add_component(_alarm(task["title"], start))
    return event


def _start(task: Values) -> date:
    """Return the day, or with a time of day the instant: in the task's zone, else on whatever clock the reader has."""
    day = date.fromisoformat(task["due_date"])
    if not task.get("due_time"):
        return day
    zone = ZoneInfo(task["timezone"]) if task.get("timezone") else None
    return datetime.combine(day, time.fromisoformat(task["due_time"]), zone)


def _description(task: Values) -> str:
    entries = [f"[{'x' if entry['done'] else ' '}] {entry['text']}" for entry in task.get("checklist", ())]
    return "\n\n".join(filter(None, [task.get("description"), "\n".join(entries)]))


def _rule(rule: str, start: date) -> Any:
    """Return the recurrence with UNTIL as the calendar wants it: of the same kind as the start (RFC 5545, 3.3.10)."""
    from icalendar import vRecur

    parts = vRecur.from_ical(rule)
    if "UNTIL" in parts:
        parts["UNTIL"] = [_until(rule, start)]
    return parts


def _until(rule: str, start: date) -> date:
    last = date.fromisoformat(rule.partition("UNTIL=")[2][:8])
    if not isinstance(start, datetime):
        return last
    end = datetime.combine(last, time(23, 59, 59), start.tzinfo)
    return end.astimezone(UTC) if start.tzinfo else end


def _alarm(title: str, start: date) -> "Alarm":
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -LENGTH if isinstance(start, datetime) else MORNING)
    return alarm

"""A person's open tasks with a due date, as an iCalendar feed (RFC 5545)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings

from store.paging import pages
from tasks import checklists, selectors
from tasks.task_filters import TaskFilters
from web.answers import Budget

if TYPE_CHECKING:
    from icalendar import Alarm, Event

MAX_EVENTS = 1000
PAGE = 250
REFRESH = timedelta(hours=1)
# Tasks that were due longer ago than this are left out.
HISTORY = timedelta(days=366)
# A task with a time of day takes half an hour in the calendar; its reminder comes half an hour before.
LENGTH = timedelta(minutes=30)
# The reminder of an all-day task comes in the morning.
MORNING = timedelta(hours=9)
PRIORITIES = {"urgent": 1, "high": 3, "medium": 5, "low": 9}

Values = Mapping[str, Any]


def render(user_id: str, today: date) -> bytes:
    """Return the feed of ``user_id``: open tasks with a due date, the earliest first.

    At most ``MAX_EVENTS``, and as many as one answer holds.

    One Query for each ``PAGE`` tasks. The content depends on the tasks only, not on the time of the request.
    """
    from icalendar import Calendar  # takes 0.2 s to import; only calendar requests need it

    calendar = Calendar.new(prodid="-//Todo with Insights//Tasks//EN", name="Tasks", uid=f"tasks-{user_id}")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    first, budget = date.max, Budget()
    for task in _due(user_id, today):
        event = _event(task)
        if not budget.take(event.to_ical()):
            break
        calendar.add_component(event)
        first = min(first, date.fromisoformat(task["due_date"]))
    if first < date.max:
        calendar.add_missing_timezones(first_date=first.replace(month=1, day=1))
    return bytes(calendar.to_ical(sorted=True))


def _due(user_id: str, today: date) -> Iterator[Values]:
    filters = TaskFilters(due_after=(today - HISTORY).isoformat())
    found = pages(lambda cursor: selectors.list_tasks(user_id, filters=filters, limit=PAGE, cursor=cursor))
    tasks = (task.attribute_values for page in found for task in page.items)
    return islice(tasks, MAX_EVENTS)


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
    event.add("transp", "TRANSPARENT")  # a task does not block its time
    event.add("class", "PRIVATE")
    if task.get("recurrence"):
        event.add("rrule", _rule(task["recurrence"], start))
    event.add_component(_alarm(task["title"], start))
    return event


def _start(task: Values) -> date:
    """Return the due date or, with a time of day, the instant in the task's zone (floating if it has none)."""
    day = date.fromisoformat(task["due_date"])
    if not task.get("due_time"):
        return day
    zone = ZoneInfo(task["timezone"]) if task.get("timezone") else None
    return datetime.combine(day, time.fromisoformat(task["due_time"]), zone)


def _description(task: Values) -> str:
    return "\n\n".join(filter(None, [task.get("description"), checklists.to_text(task.get("checklist", ()))]))


def _rule(rule: str, start: date) -> Any:
    """Return the rule with an UNTIL of the same kind as the start, date or time (RFC 5545, 3.3.10)."""
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

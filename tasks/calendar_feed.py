"""A person's open tasks with a due date, as an iCalendar feed (RFC 5545)."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from identity import profiles
from identity.today import UTC as UTC_ZONE
from store import time_zones
from store.paging import pages
from store.steps import Steps
from store.text import shown
from tasks import calendar_rules, calendar_zones, checklists, recurrence, selectors
from tasks.calendar_rules import Piece
from tasks.recurrence import Start
from tasks.task_filters import TaskFilters
from web.answers import Budget

if TYPE_CHECKING:
    from icalendar import Alarm, Event

MAX_TASKS = 1000
# Events beside one for each task, and the steps of all rules: what is beyond is written without its rule.
MAX_FURTHER_EVENTS = 2000
MAX_STEPS = 500_000
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
Zone = Callable[[], ZoneInfo]
_log = logging.getLogger(__name__)


def address(token: str) -> str:
    """Return the URL of the feed with this ``token``, at the public address of the site."""
    return urljoin(settings.APP_URL, reverse("api:calendar_feed", settings.URLS_BY_PREFIX["/api"], [token]))


def render(user_id: str, today: date) -> bytes:
    """Return the feed of ``user_id``: open tasks with a due date, the earliest first.

    At most ``MAX_TASKS``, and as many as one answer holds.

    One Query for each ``PAGE`` tasks, and a GetItem of the profile if a rule depends on the person's zone. The content
    depends on the tasks only and, if the days of a rule are listed, on the month. A task that cannot be written as it
    is is written without its rule, at worst as its title on its day, and logged.
    """
    return written(user_id, _due(user_id, today), Room(today, cache(lambda: _zone_of(user_id))))


@dataclass(slots=True)
class Room:
    """What the rules of a feed are written with: the day and zone of the person, and what they may still take."""

    today: date
    zone: Zone
    steps: Steps = field(default_factory=lambda: Steps(MAX_STEPS))
    events: int = MAX_FURTHER_EVENTS


def written(user_id: str, tasks: Iterable[Values], room: Room) -> bytes:
    """Return the feed of ``tasks``, as many as one answer holds; the earliest due date comes first."""
    from icalendar import Calendar  # takes 0.2 s to import; only calendar requests need it

    calendar = Calendar.new(prodid="-//Todo with Insights//Tasks//EN", name="Tasks", uid=f"tasks-{user_id}")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    first, budget = date.max, Budget()
    for task in tasks:
        events = _events(task, room)
        if not all(budget.take(event.to_ical()) for event in events):
            break
        for event in events:
            calendar.add_component(event)
        first = min(first, date.fromisoformat(task["due_date"]))
    if first < date.max:
        for key in sorted(calendar.get_missing_tzids()):
            calendar.add_component(calendar_zones.component(key, max(first.year - 1, 1)))
    return bytes(calendar.to_ical(sorted=True))


def _zone_of(user_id: str) -> ZoneInfo:
    profile = profiles.get_profile(user_id)
    return time_zones.named(profile.timezone if profile else None) or UTC_ZONE


def _events(task: Values, room: Room) -> "list[Event]":
    """Return the events of a task: one, and more if its rule needs them."""
    for write in (_whole, _without_rule, _plain):
        try:
            events = write(task, room)
            for event in events:
                event.to_ical()
        except Exception:  # noqa: BLE001 (whatever is wrong with one task, the others are to be read)
            _log.warning("calendar event written in part", extra={"task_id": task["id"]}, exc_info=True)
        else:
            return events
    return []


def _whole(task: Values, room: Room) -> "list[Event]":
    rule = task.get("recurrence")
    # What is counted from its completion has no other date yet.
    if not rule or task.get("repeat_from") == "done":
        return [_event(task)]
    if not recurrence.is_valid(rule):
        raise ValueError("the rule cannot be read")
    start = _series_start(task)
    fitted = recurrence.refitted(
        rule, start if start.zone or not start.at else replace(start, zone=room.zone())
    )
    if start.at and start.zone is None:  # the same time everywhere has an UNTIL of its kind
        fitted = recurrence.refitted(fitted, start)
    pieces = calendar_rules.pieces(fitted, start, room.today, room.steps)
    own = {piece.day: piece.rule for piece in pieces}.get(start.day)
    further = [piece for piece in pieces if piece.day != start.day]
    if len(further) > room.events:
        raise ValueError("the feed has too many events of rules that are listed")
    room.events -= len(further)
    return [_event(task, rule=own), *(_further_event(task, piece) for piece in further)]


def _further_event(task: Values, piece: Piece) -> "Event":
    fields = {"due_date": piece.day.isoformat(), "id": f"{task['id']}.{piece.day:%Y%m%d}"}
    return _event(dict(task) | fields, rule=piece.rule, page=task["id"])


def _without_rule(task: Values, room: Room) -> "list[Event]":
    return [_event(task)]


def _plain(task: Values, room: Room) -> "list[Event]":
    return [
        _event({**task, "due_time": None, "tags": (), "checklist": (), "description": None, "category": None})
    ]


def _due(user_id: str, today: date) -> Iterator[Values]:
    filters = TaskFilters(due_after=(today - HISTORY).isoformat())
    found = pages(lambda cursor: selectors.list_tasks(user_id, filters=filters, limit=PAGE, cursor=cursor))
    tasks = (_fit(task.attribute_values) for page in found for task in page.items)
    return islice(tasks, MAX_TASKS)


def _fit(task: Values) -> Values:
    """Return a task without what its texts may not hold: it can be older than these rules."""
    texts = {name: shown(task[name]) for name in ("title", "description", "category") if task.get(name)}
    checklist = [{**entry, "text": shown(entry["text"])} for entry in task.get("checklist") or ()]
    return {**task, **texts, "tags": [*map(shown, task.get("tags") or ())], "checklist": checklist}


def _event(task: Values, *, rule: str | None = None, page: str | None = None) -> "Event":
    from icalendar import Event, vRecur

    start = _start(task, repeats=rule is not None)
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
        url=f"{settings.APP_URL}/tasks/{page or task['id']}/",
    )
    if not event.categories:  # an empty field is refused by some programs
        event.pop("categories", None)
    # An end in a zone could come before its start, where the clocks are set back.
    event.add("duration", LENGTH if isinstance(start, datetime) else timedelta(days=1))
    event.add("transp", "TRANSPARENT")  # a task does not block its time
    event.add("class", "PRIVATE")
    if rule:
        event.add("rrule", vRecur.from_ical(rule))
    event.add_component(_alarm(task["title"], start))
    return event


def _series_start(task: Values) -> Start:
    day = date.fromisoformat(task["due_date"])
    if not task.get("due_time"):
        return Start(day)
    zone = ZoneInfo(task["timezone"]) if task.get("timezone") else None
    return Start(day, time.fromisoformat(task["due_time"]), zone)


def _start(task: Values, *, repeats: bool) -> date:
    """Return the due date or, with a time of day, the instant in the task's zone (floating if it has none).

    A time that a change of the clocks skips is written as the clocks show it then, and one that they show twice in UTC,
    because programs do not agree on it. Of a series it is the time of all.
    """
    start = _series_start(task)
    if start.at is None:
        return start.day
    moment = start.instant(start.day)
    if repeats or start.zone is None:
        return moment
    shown = moment.astimezone(UTC).astimezone(start.zone)
    comes_twice = shown.utcoffset() != shown.replace(fold=1).utcoffset()
    return shown.astimezone(UTC) if comes_twice else shown


def _description(task: Values) -> str:
    return "\n\n".join(filter(None, [task.get("description"), checklists.to_text(task.get("checklist", ()))]))


def _alarm(title: str, start: date) -> "Alarm":
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -LENGTH if isinstance(start, datetime) else MORNING)
    return alarm

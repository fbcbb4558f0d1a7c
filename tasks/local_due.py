"""When a task is due where its viewer is: a time of day may have been set in another zone."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from identity.today import name_of
from store import time_zones


class LocalDue(NamedTuple):
    """The day and the time (HH:MM or blank) at the viewer's; ``there`` is the time and zone it was set in, if that
    has another clock."""

    day: date
    time: str
    there: str = ""


def local_due(task: Mapping[str, Any], zone: tzinfo) -> LocalDue | None:
    """Return when the task with these fields is due in ``zone``; None without a due date."""
    if not task.get("due_date"):
        return None
    day, at = date.fromisoformat(task["due_date"]), task.get("due_time") or ""
    own = _own_zone(task, zone)
    if own is None:
        return LocalDue(day, at)
    there = datetime.combine(day, time.fromisoformat(at), own)
    name = f"{at} {name_of(own)}"
    try:
        here = there.astimezone(zone)
    except OverflowError:  # the first or last day there is
        return LocalDue(day, at, name)
    if here.replace(tzinfo=None) == there.replace(tzinfo=None):
        return LocalDue(day, at)
    return LocalDue(here.date(), f"{here:%H:%M}", name)


def moved(task: Mapping[str, Any], day: date, zone: tzinfo) -> str:
    """Return the due date, in the task's own zone, that puts its time of day on ``day`` in ``zone``."""
    for days in (0, -1, 1):
        try:
            there = (day + timedelta(days=days)).isoformat()
        except OverflowError:
            continue
        due = local_due({**task, "due_date": there}, zone)
        if due and due.day == day:
            return there
    return day.isoformat()


def _own_zone(task: Mapping[str, Any], zone: tzinfo) -> tzinfo | None:
    """Return the zone of the task's time of day, None if it has none, or if that is ``zone``."""
    own = time_zones.named(task.get("timezone")) if task.get("due_time") else None
    return None if own is None or str(own) == str(zone) else own

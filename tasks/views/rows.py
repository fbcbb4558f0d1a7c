"""Tasks as rows of a list: their section and their due date in words. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple

from django.utils.dateformat import format as format_day
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from store import time_zones
from tasks.items import OPEN_STATUSES, TaskItem

SECTIONS = {
    "overdue": _("Overdue"),
    "today": _("Today"),
    "upcoming": _("Upcoming"),
    "undated": _("No date"),
}
_NEAR_DAYS = {-1: _("Yesterday"), 0: _("Today"), 1: _("Tomorrow")}


@dataclass(frozen=True, slots=True)
class Row:
    """One task as a row of a list."""

    task: TaskItem
    section: str
    due: str
    closed: bool
    order: str


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of rows; ``more`` if the next page may continue it."""

    name: str
    title: str | Promise
    rows: list[Row] = field(default_factory=list)
    more: bool = False


def make_row(task: TaskItem, now: datetime) -> Row:
    """Return ``task`` as a row of a list that is read at ``now``, in the viewer's zone."""
    closed = task.status not in OPEN_STATUSES
    here = local_due(task, now)
    return Row(
        task=task,
        section="closed" if closed else _section(here.day if here else None, now.date()),
        due=due_words(task, now),
        closed=closed,
        order=f"{task.due_date or ''}#{task.id}",
    )


def _section(due: date | None, today: date) -> str:
    if not due:
        return "undated"
    return "overdue" if due < today else "today" if due == today else "upcoming"


def group_by_section(rows: Iterable[Row], *, more: bool = False) -> list[Section]:
    """Return the four sections of open tasks, empty ones included, with ``rows`` in their order."""
    found: dict[str, list[Row]] = {name: [] for name in SECTIONS}
    last = ""
    for row in rows:
        found[row.section].append(row)
        last = row.section
    return [Section(name, title, found[name], more=more and name == last) for name, title in SECTIONS.items()]


class LocalDue(NamedTuple):
    """When a task is due where its viewer is: the day, the time (HH:MM or blank), and the zone it was set in if that
    is another one."""

    day: date
    time: str
    zone: str = ""


def local_due(task: TaskItem, now: datetime) -> LocalDue | None:
    """Return when ``task`` is due, in the zone of ``now``; None without a due date."""
    if not task.due_date:
        return None
    day = date.fromisoformat(task.due_date)
    zone = time_zones.named(task.timezone)
    if not task.due_time or zone is None or str(zone) == str(now.tzinfo):
        return LocalDue(day, task.due_time or "")
    there = datetime.combine(day, time.fromisoformat(task.due_time), zone)
    try:
        here = there.astimezone(now.tzinfo)
    except OverflowError:  # the first or last day there is
        return LocalDue(day, task.due_time, str(zone))
    if here.replace(tzinfo=None) == there.replace(tzinfo=None):
        return LocalDue(day, task.due_time)
    return LocalDue(here.date(), f"{here:%H:%M}", f"{task.due_time} {str(zone).replace('_', ' ')}")


def due_words(task: TaskItem, now: datetime) -> str:
    """Return a task's due date as words near ``now``, in its zone: "Tomorrow 09:00", "Fri 27 Nov", or nothing.

    A time that was set in a zone with another clock is converted, with what it is there: "Tomorrow 21:00 (09:00
    Europe/Berlin)".
    """
    due = local_due(task, now)
    if due is None:
        return ""
    words = f"{day_words(due.day, now.date())} {due.time}".rstrip()
    return f"{words} ({due.zone})" if due.zone else words


def day_words(day: date, today: date) -> str:
    """Return a day as words near ``today``."""
    return str(_NEAR_DAYS.get((day - today).days) or _day_words(day, today))


def _day_words(day: date, today: date) -> str:
    if abs((day - today).days) < 7:
        return format_day(day, gettext("D j M"))
    return format_day(day, gettext("j M") if day.year == today.year else gettext("j M Y"))

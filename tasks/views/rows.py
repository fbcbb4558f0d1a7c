"""Tasks as rows of a list: their section and their due date in words. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.utils.dateformat import format as format_day
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tasks.items import OPEN_STATUSES, TaskItem
from tasks.local_due import LocalDue, local_due

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
    local: LocalDue | None = None


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
    here = _local(task, now)
    return Row(
        task=task,
        section="closed" if closed else _section(here.day if here else None, now.date()),
        due=due_words(task, now),
        closed=closed,
        order=f"{task.due_date or ''}#{task.id}",
        local=here,
    )


def _local(task: TaskItem, now: datetime) -> LocalDue | None:
    return local_due(task.attribute_values, now.tzinfo or UTC)


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


def due_words(task: TaskItem, now: datetime) -> str:
    """Return a task's due date as words near ``now``, in its zone: "Tomorrow 09:00", "Fri 27 Nov", or nothing.

    A time that was set in a zone with another clock is converted, with what it is there: "Tomorrow 21:00 (09:00
    Europe/Berlin)".
    """
    due = _local(task, now)
    if due is None:
        return ""
    words = f"{day_words(due.day, now.date())} {due.time}".rstrip()
    return f"{words} ({due.there})" if due.there else words


def elsewhere(task: TaskItem, now: datetime) -> str:
    """Return ``due_words`` of a task whose time was set in a zone with another clock, nothing for others."""
    due = _local(task, now)
    return due_words(task, now) if due and due.there else ""


def day_words(day: date, today: date) -> str:
    """Return a day as words near ``today``."""
    return str(_NEAR_DAYS.get((day - today).days) or _day_words(day, today))


def _day_words(day: date, today: date) -> str:
    if abs((day - today).days) < 7:
        return format_day(day, gettext("D j M"))
    return format_day(day, gettext("j M") if day.year == today.year else gettext("j M Y"))

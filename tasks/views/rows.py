"""Tasks as rows of a list: their section and their due date in words. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.utils.dateformat import format as format_day
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

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


def make_row(task: TaskItem, today: date) -> Row:
    """Return ``task`` as a row of a list that is read on the day ``today``."""
    closed = task.status not in OPEN_STATUSES
    return Row(
        task=task,
        section="closed" if closed else _section(task.due_date, today),
        due=due_words(task.due_date, task.due_time, today) if task.due_date else "",
        closed=closed,
        order=f"{task.due_date or ''}#{task.id}",
    )


def _section(due: str | None, today: date) -> str:
    if not due:
        return "undated"
    day = today.isoformat()
    return "overdue" if due < day else "today" if due == day else "upcoming"


def group_by_section(rows: Iterable[Row], *, more: bool = False) -> list[Section]:
    """Return the four sections of open tasks, empty ones included, with ``rows`` in their order."""
    found: dict[str, list[Row]] = {name: [] for name in SECTIONS}
    last = ""
    for row in rows:
        found[row.section].append(row)
        last = row.section
    return [Section(name, title, found[name], more=more and name == last) for name, title in SECTIONS.items()]


def due_words(due: str, time: str | None, today: date) -> str:
    """Return a due date (YYYY-MM-DD, time HH:MM) as words near ``today``: "Tomorrow 09:00", "Fri 27 Nov"."""
    day = date.fromisoformat(due)
    words = str(_NEAR_DAYS.get((day - today).days) or _day_words(day, today))
    return f"{words} {time}" if time else words


def _day_words(day: date, today: date) -> str:
    if abs((day - today).days) < 7:
        return format_day(day, gettext("D j M"))
    return format_day(day, gettext("j M") if day.year == today.year else gettext("j M Y"))

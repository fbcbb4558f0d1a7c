"""How tasks look on a page: their section, their due date in words, what has changed. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as format_day
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tasks import checklists
from tasks.forms import FIELD_LABELS, PRIORITY_LABELS, STATUS_LABELS
from tasks.items import OPEN_STATUSES, TaskItem
from tasks.language import repeats

UTC = ZoneInfo("UTC")
SECTIONS = {
    "overdue": _("Overdue"),
    "today": _("Today"),
    "upcoming": _("Upcoming"),
    "undated": _("No date"),
}
_NEAR_DAYS = {-1: _("Yesterday"), 0: _("Today"), 1: _("Tomorrow")}


@dataclass(frozen=True, slots=True)
class Row:
    """One task as a line of a list."""

    task: TaskItem
    section: str
    due: str
    done: bool
    closed: bool
    order: str


@dataclass(frozen=True, slots=True)
class Section:
    """A titled run of rows; ``more`` when the next page goes on with it, as far as is known."""

    name: str
    title: str | Promise
    rows: list[Row] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that someone changed while it was being edited: how it was, is now, and what the form holds."""

    label: str
    before: str
    now: str
    mine: str
    both: bool


def zone(name: str) -> tzinfo:
    """Return the time zone called ``name`` (IANA), or UTC when there is none of that name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def make_row(task: TaskItem, today: date) -> Row:
    """Return ``task`` as a row of a list read on the day ``today``."""
    closed = task.status not in OPEN_STATUSES
    return Row(
        task=task,
        section="closed" if closed else _section(task.due_date, today),
        due=due_words(task.due_date, task.due_time, today) if task.due_date else "",
        done=task.status == "completed",
        closed=closed,
        order=f"{task.due_date or ''}#{task.id}",
    )


def _section(due: str | None, today: date) -> str:
    if not due:
        return "undated"
    day = today.isoformat()
    return "overdue" if due < day else "today" if due == day else "upcoming"


def sections(rows: Iterable[Row], *, more: bool = False) -> list[Section]:
    """Return the four sections of open work, empty ones included, with ``rows`` in their order."""
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


def moment(timestamp: str | None, where: tzinfo) -> datetime | None:
    """Return a stored ISO timestamp as local time of ``where``."""
    return datetime.fromisoformat(timestamp).astimezone(where) if timestamp else None


def form_values(task: TaskItem) -> dict[str, Any]:
    """Return what the task form shows for ``task``, field by field, as text."""
    return {
        "title": task.title,
        "description": task.description or "",
        "status": task.status,
        "priority": task.priority,
        "category": task.category or "",
        "tags": ", ".join(task.tags or ()),
        "due_date": task.due_date or "",
        "due_time": task.due_time or "",
        "checklist": checklists.to_text(task.checklist or ()),
        "recurrence": task.recurrence or "",
    }


def differences(
    base: Mapping[str, str], now: Mapping[str, str], mine: Mapping[str, str], changed: Iterable[str]
) -> list[Difference]:
    """Return the fields whose value ``now`` is not the ``base`` the form was opened with.

    ``mine`` is what the form holds and ``changed`` the fields its user touched; all values are form texts.
    """
    touched = set(changed)
    return [
        Difference(
            label=str(FIELD_LABELS[name]),
            before=_shown(name, base[name]),
            now=_shown(name, now[name]),
            mine=_shown(name, mine[name]),
            both=name in touched and _same(mine[name]) != _same(now[name]),
        )
        for name in now
        if _same(now[name]) != _same(base[name])
    ]


def agree(one: Mapping[str, str], other: Mapping[str, str], names: Iterable[str]) -> bool:
    """Tell whether two sets of form texts mean the same for the fields ``names``."""
    return all(_same(one[name]) == _same(other[name]) for name in names)


def _same(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _shown(name: str, value: str) -> str:
    if name == "recurrence" and value:
        return repeats.in_words(value)
    labels = {"status": STATUS_LABELS, "priority": PRIORITY_LABELS}.get(name, {})
    return str(labels.get(value, value))

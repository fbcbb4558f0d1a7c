"""The calendar: open tasks by due date, a month or a week at a time."""

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateformat import format as format_day
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from identity import allowance
from identity.week import first_day_of, start_of
from store.paging import Page, pages
from tasks import selectors
from tasks.items import TaskItem
from tasks.task_filters import TaskFilters
from tasks.views.listing import page_context
from tasks.views.responses import task_view
from tasks.views.rows import Row, make_row
from tasks.views.search import Search, search_of
from tasks.views.viewer import now_of, person_id, today_of
from web.answers import fit_page

# A month shows at most MOST tasks, a cell the first CELL of its day (in a week WEEK_CELL) and the number of the others.
# A search looks at the tasks that MAX_READS queries read.
MOST, PAGE_SIZE, CELL, WEEK_CELL, MAX_READS = 1000, 100, 4, 50, 24
_FIRST, _LAST = date(1900, 1, 8), date(9998, 12, 1)


@dataclass(slots=True)
class Day:
    """A cell of the calendar; ``inside`` if the day belongs to the month that is shown."""

    day: date
    label: str
    inside: bool
    today: bool
    past: bool
    rows: list[Row] = field(default_factory=list)
    shown: int = CELL

    @property
    def more(self) -> int:
        """Return the number of tasks that the cell does not show."""
        return max(0, len(self.rows) - self.shown)

    @property
    def visible(self) -> list[Row]:
        """Return the tasks that the cell shows."""
        return self.rows[: self.shown]


@task_view
@require_safe
def task_calendar(request: HttpRequest) -> HttpResponse:
    """Show a month (``month=2026-11``) or a week (``week=2026-11-23``, any day of it); by default this month."""
    today, search = today_of(request), search_of(request)
    week = _parse_day(request.GET.get("week", ""), today) if "week" in request.GET else None
    month = _parse_day(f"{request.GET.get('month', '')}-01", today).replace(day=1)
    begins = first_day_of(request)
    first, last = _span(week, month, begins)
    days = {
        day.isoformat(): Day(
            day, format_day(day, _("l j F Y")), bool(week) or day.month == month.month, day == today, day < today
        )
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    }  # fmt: skip
    found, complete = _tasks(request, search, first, last)
    now = now_of(request)
    for task in found:
        row = make_row(task, now)
        # A time in another zone may be on the day before or after.
        if row.local and (cell := days.get(row.local.day.isoformat())):
            cell.rows.append(row)
    cells = list(days.values())
    for cell in cells:
        cell.rows.sort(key=lambda row: row.local.time if row.local else "")
    shown = {
        **page_context("calendar", search),
        "weeks": [cells[start : start + 7] for start in range(0, len(cells), 7)],
        "complete": complete,
        "week": week,
        **_navigation(week, month, today, search, begins),
    }

    def build(rows: int) -> HttpResponse:
        for cell in cells:
            cell.shown = rows
        return render(request, "tasks/calendar.html", shown)

    return fit_page(build, WEEK_CELL if week else CELL)


def _span(week: date | None, month: date, begins: int) -> tuple[date, date]:
    if week:
        first = start_of(week, begins)
        return first, first + timedelta(days=6)
    final = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    return start_of(month, begins), start_of(final, begins) + timedelta(days=6)


def _parse_day(text: str, today: date) -> date:
    try:
        return min(max(date.fromisoformat(text), _FIRST), _LAST)
    except ValueError:
        return today


def _tasks(request: HttpRequest, search: Search, first: date, last: date) -> tuple[list[TaskItem], bool]:
    """Return the open tasks due from ``first`` to ``last``, and whether the list is complete."""
    filters = TaskFilters(
        due_after=(first - timedelta(days=2)).isoformat(), due_before=(last + timedelta(days=2)).isoformat()
    )

    def read(cursor: str | None, limit: int) -> Page[TaskItem]:
        return selectors.list_tasks(person_id(request), filters=filters, limit=limit, cursor=cursor)

    found: list[TaskItem] = []
    reads, complete = 0, False
    for part in pages(lambda cursor: search.run(read, cursor, PAGE_SIZE)):
        found += part.items
        reads += part.reads
        complete = part.next_cursor is None
        if len(found) >= MOST or reads >= MAX_READS:
            break
    allowance.owe(request, reads)
    return found, complete


def _navigation(week: date | None, month: date, today: date, search: Search, begins: int) -> dict[str, Any]:
    """Return the title, and the links to the previous and next month or week, to today, and to the other view."""
    if week:
        first = start_of(week, begins)
        before = (first - timedelta(days=7)).isoformat()
        after = (first + timedelta(days=7)).isoformat()
        title = _("Week of %(day)s") % {"day": format_day(first, _("j F Y"))}
        name, other = "week", ("month", f"{week:%Y-%m}")
    else:
        before, after = f"{month - timedelta(days=1):%Y-%m}", f"{month + timedelta(days=31):%Y-%m}"
        title = format_day(month, "F Y")
        same = (today.year, today.month) == (month.year, month.month)
        name, other = "month", ("week", (today if same else month).isoformat())
    return {
        "title": title,
        "before_url": _url(search, **{name: before}),
        "after_url": _url(search, **{name: after}),
        "today_url": _url(search, **({"week": today.isoformat()} if week else {})),
        "other_url": _url(search, **{other[0]: other[1]}),
    }


def _url(search: Search, **query: str) -> str:
    full = query | ({"q": search.text} if search.text else {})
    return reverse("task-calendar") + (f"?{urlencode(full)}" if full else "")

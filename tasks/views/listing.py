"""The list of tasks: open work by due date, what is done, or everything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from tasks import selectors
from tasks.errors import InvalidCursor
from tasks.forms import QuickAddForm
from tasks.items import TaskItem
from tasks.selectors import Page, TaskFilters
from tasks.views import presentation
from tasks.views.common import is_partial, page, person_id, today_of

PAGE_SIZE = 50
# Open work is read in this order. The first stage holds every open task with a due date, the earliest first,
# so what is overdue or due today is complete however long the list is. A page is one Query, or two where the stages
# meet.
_STAGES = {"dated": TaskFilters(due_after="0001-01-01"), "undated": TaskFilters(undated=True)}


@dataclass(frozen=True, slots=True)
class ListView:
    """One way to look at the tasks."""

    name: str
    label: str
    title: str
    read: Callable[[str, str | None], Page[TaskItem]]


def _open_tasks(user_id: str, cursor: str | None) -> Page[TaskItem]:
    stage, _, position = (cursor or "dated.").partition(".")
    if stage not in _STAGES:
        raise InvalidCursor
    first = _read_stage(user_id, stage, position, PAGE_SIZE)
    if stage == "undated" or first.next_cursor:
        return first
    room = PAGE_SIZE - len(first.items)
    if not room:
        return Page(first.items, "undated.")
    rest = _read_stage(user_id, "undated", "", room)
    return Page(first.items + rest.items, rest.next_cursor)


def _read_stage(user_id: str, stage: str, position: str, limit: int) -> Page[TaskItem]:
    found = selectors.list_tasks(user_id, filters=_STAGES[stage], limit=limit, cursor=position or None)
    return Page(found.items, f"{stage}.{found.next_cursor}" if found.next_cursor else None)


def _done_tasks(user_id: str, cursor: str | None) -> Page[TaskItem]:
    return selectors.list_tasks(
        user_id, filters=TaskFilters(status="completed"), limit=PAGE_SIZE, cursor=cursor
    )


def _all_tasks(user_id: str, cursor: str | None) -> Page[TaskItem]:
    return selectors.list_tasks(user_id, limit=PAGE_SIZE, cursor=cursor)


VIEWS = {
    view.name: view
    for view in (
        ListView("open", "Open", "Tasks", _open_tasks),
        ListView("done", "Done", "Done", _done_tasks),
        ListView("all", "All", "All tasks", _all_tasks),
    )
}


@page
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """Show a page of tasks; with htmx and a cursor, only what comes after."""
    try:
        context = list_context(request)
    except InvalidCursor:
        return redirect(url_of(_view_of(request)))
    partial = is_partial(request) and "cursor" in request.GET
    return render(request, "tasks/partials/page.html" if partial else "tasks/list.html", context)


def list_context(request: HttpRequest, form: QuickAddForm | None = None) -> dict[str, Any]:
    """Return what the list template shows; ``form`` is a refused new task. Raises InvalidCursor."""
    view = _view_of(request)
    answer = view.read(person_id(request), request.GET.get("cursor"))
    today = today_of(request)
    rows = [presentation.make_row(task, today) for task in answer.items]
    more = answer.next_cursor is not None
    named = {"done": ("closed", "Done"), "all": ("all", "All tasks")}.get(view.name)
    return {
        "view_name": view.name,
        "view_title": view.title,
        "tabs": [{"name": v.name, "label": v.label, "url": url_of(v)} for v in VIEWS.values()],
        "sections": [presentation.Section(*named, rows, more)]
        if named
        else presentation.sections(rows, more=more),
        "form": form or QuickAddForm.fresh(),
        "next_url": url_of(view, cursor=answer.next_cursor) if answer.next_cursor else "",
        "categories": sorted({task.category for task in answer.items if task.category}),
    }


def url_of(view: ListView, **query: str) -> str:
    """Return the address of ``view``, with ``query`` added."""
    full = ({} if view.name == "open" else {"view": view.name}) | query
    return reverse("task-list") + (f"?{urlencode(full)}" if full else "")


def _view_of(request: HttpRequest) -> ListView:
    return VIEWS.get(request.GET.get("view", ""), VIEWS["open"])

"""The list of tasks: the open ones by due date, the completed ones, or all; optionally filtered by a search."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from store.errors import InvalidCursor
from store.paging import Page
from store.text import distinct, folded
from tasks import selectors
from tasks.forms import BulkForm, QuickAddForm
from tasks.items import TaskItem
from tasks.task_filters import TaskFilters
from tasks.views.responses import is_partial, task_view
from tasks.views.rows import Section, group_by_section, make_row
from tasks.views.search import Search, search_of
from tasks.views.viewer import now_of, person_id
from web.answers import fit_page

PAGE_SIZE = 50
# Open tasks are read in this order. The first stage holds every open task with a due date, the earliest first, so
# that overdue tasks and today's are complete however long the list is. A page takes one Query, or two where the
# stages meet.
_STAGES = {"dated": TaskFilters(due_after="0001-01-01"), "undated": TaskFilters(undated=True)}


@dataclass(frozen=True, slots=True)
class ListView:
    """A tab of the list: its labels, and a function that reads a page of it, given the owner, a cursor and a limit."""

    name: str
    label: str | Promise
    title: str | Promise
    read: Callable[[str, str | None, int], Page[TaskItem]]


def _open_tasks(user_id: str, cursor: str | None, limit: int) -> Page[TaskItem]:
    stage, _dot, position = (cursor or "dated.").partition(".")
    if stage not in _STAGES:
        raise InvalidCursor
    first = _read_stage(user_id, stage, position, limit)
    if stage == "undated" or first.next_cursor:
        return first
    room = limit - len(first.items)
    if not room:
        return Page(first.items, "undated.")
    rest = _read_stage(user_id, "undated", "", room)
    return Page(first.items + rest.items, rest.next_cursor)


def _read_stage(user_id: str, stage: str, position: str, limit: int) -> Page[TaskItem]:
    found = selectors.list_tasks(user_id, filters=_STAGES[stage], limit=limit, cursor=position or None)
    return Page(found.items, f"{stage}.{found.next_cursor}" if found.next_cursor else None)


def _done_tasks(user_id: str, cursor: str | None, limit: int) -> Page[TaskItem]:
    return selectors.list_tasks(user_id, filters=TaskFilters(status="completed"), limit=limit, cursor=cursor)


def _all_tasks(user_id: str, cursor: str | None, limit: int) -> Page[TaskItem]:
    return selectors.list_tasks(user_id, limit=limit, cursor=cursor)


VIEWS = {
    view.name: view
    for view in (
        ListView("open", _("Open"), _("Tasks"), _open_tasks),
        ListView("done", _("Done"), _("Done"), _done_tasks),
        ListView("all", _("All"), _("All tasks"), _all_tasks),
    )
}


@task_view
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """Show a page of tasks; with htmx and a cursor, only the following rows."""
    try:
        return render_list(request)
    except InvalidCursor:
        return redirect(url_of(_view_of(request)))


def render_list(request: HttpRequest, form: QuickAddForm | None = None, status: int = 200) -> HttpResponse:
    """Render a page of tasks; ``form`` is a rejected quick-add form. Raises InvalidCursor."""
    view, search = _view_of(request), search_of(request)
    partial = is_partial(request) and "cursor" in request.GET
    template = "tasks/partials/page.html" if partial else "tasks/list.html"

    def build(rows: int) -> HttpResponse:
        context = _list_context(request, view, search, rows) | ({"form": form} if form else {})
        return render(request, template, context, status=status)

    return fit_page(build, PAGE_SIZE)


def _list_context(request: HttpRequest, view: ListView, search: Search, rows: int) -> dict[str, Any]:
    owner = person_id(request)
    found = search.run(lambda *part: view.read(owner, *part), request.GET.get("cursor"), rows)
    now = now_of(request)
    shown = [make_row(task, now) for task in found.items]
    more = found.next_cursor is not None
    named = {"done": ("closed", _("Done")), "all": ("all", _("All tasks"))}.get(view.name)
    return {
        **page_context(view.name, search),
        "view_title": view.title,
        "sections": [Section(*named, shown, more)] if named else group_by_section(shown, more=more),
        "bulk": BulkForm(),
        "next_url": url_of(view, cursor=found.next_cursor, q=search.text) if found.next_cursor else "",
        "categories": sorted(distinct(task.category for task in found.items if task.category), key=folded),
    }


def page_context(name: str, search: Search) -> dict[str, Any]:
    """Return the context that the pages of all lists share; ``name`` is the current tab."""
    return {
        "view_name": name,
        "tabs": _tabs(name, search),
        "search": search,
        "form": QuickAddForm.empty(),
    }


def _tabs(current: str, search: Search) -> list[dict[str, Any]]:
    """Return the tabs above every list; a search is kept from tab to tab."""
    query = {"q": search.text} if search.text else {}
    found = [
        {"name": view.name, "label": view.label, "url": url_of(view, **query)} for view in VIEWS.values()
    ]
    for name, label in (("board", _("Board")), ("calendar", _("Calendar")), ("trash", _("Trash"))):
        kept = query if name != "trash" else {}
        address = reverse(f"task-{name}") + (f"?{urlencode(kept)}" if kept else "")
        found.append({"name": name, "label": label, "url": address})
    return [tab | {"current": tab["name"] == current} for tab in found]


def url_of(view: ListView, **query: str) -> str:
    """Return the URL of ``view`` with the parameters of ``query`` that are not blank."""
    full = ({} if view.name == "open" else {"view": view.name}) | {k: v for k, v in query.items() if v}
    return reverse("task-list") + (f"?{urlencode(full)}" if full else "")


def _view_of(request: HttpRequest) -> ListView:
    return VIEWS.get(request.GET.get("view", ""), VIEWS["open"])

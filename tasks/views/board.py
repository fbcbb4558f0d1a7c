"""The board: a column for each status. Cards are moved by dragging, by keyboard, or with their menu."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from store.errors import InvalidCursor
from store.paging import Page
from tasks import selectors
from tasks.forms import STATUS_LABELS
from tasks.items import STATUSES, TaskItem
from tasks.task_filters import TaskFilters
from tasks.views.listing import page_context
from tasks.views.responses import task_view
from tasks.views.rows import make_row
from tasks.views.search import Search, search_of
from tasks.views.viewer import now_of, person_id
from web.answers import fit_page

COLUMN_SIZE = 50


@task_view
@require_safe
def task_board(request: HttpRequest) -> HttpResponse:
    """Show a page of tasks of every status, newest first; each column has its own cursor."""
    search = search_of(request)

    def build(rows: int) -> HttpResponse:
        columns = [_column(request, search, status, rows) for status in STATUSES]
        return render(request, "tasks/board.html", page_context("board", search) | {"columns": columns})

    try:
        return fit_page(build, COLUMN_SIZE)
    except InvalidCursor:
        return redirect("task-board")


def _column(request: HttpRequest, search: Search, status: str, rows: int) -> dict[str, Any]:
    owner, filters = person_id(request), TaskFilters(status=status)
    cursor = request.GET.get(f"from-{status}") or None

    def read(position: str | None, limit: int) -> Page[TaskItem]:
        return selectors.list_tasks(owner, filters=filters, limit=limit, cursor=position)

    found = search.run(read, cursor, rows)
    now = now_of(request)
    return {
        "status": status,
        "label": STATUS_LABELS[status],
        "rows": [make_row(task, now) for task in found.items],
        "parameter": f"from-{status}",
        "next_cursor": found.next_cursor,
        "started": cursor is not None,
        "moves": [
            {"status": other, "label": label, "left": STATUSES.index(other) < STATUSES.index(status)}
            for other, label in STATUS_LABELS.items()
            if other != status
        ],
    }

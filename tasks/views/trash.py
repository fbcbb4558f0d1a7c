"""The trash: what was deleted in the last 30 days, and how to take it back, or to be rid of it."""

import time
from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from identity.sign_in import context
from store.errors import InvalidCursor
from tasks import selectors, services
from tasks.errors import TaskNotFound
from tasks.items import TrashItem
from tasks.views import presentation
from tasks.views.common import answer, page, person_id, today_of, zone_of
from tasks.views.listing import tabs
from tasks.views.searching import Search

PAGE_SIZE = 50


@page
@require_safe
def task_trash(request: HttpRequest) -> HttpResponse:
    """Show a page of deleted tasks, each with the days it is kept for."""
    try:
        found = selectors.get_trashed(
            person_id(request), limit=PAGE_SIZE, cursor=request.GET.get("cursor") or None
        )
    except InvalidCursor:
        return redirect("task-trash")
    shown = {
        "view_name": "trash",
        "tabs": tabs("trash", Search()),
        "entries": [_entry(request, task) for task in found.items],
        "next_cursor": found.next_cursor,
    }
    return render(request, "tasks/trash.html", shown)


def _entry(request: HttpRequest, task: TrashItem) -> dict[str, object]:
    today = today_of(request)
    return {
        "task": task,
        "due": presentation.due_words(task.due_date, task.due_time, today) if task.due_date else "",
        "deleted": presentation.moment(task.deleted_at, zone_of(request)),
        "days_left": max(1, round((int(task.expires_at or 0) - time.time()) / 86_400)),
        "expires": datetime.fromtimestamp(int(task.expires_at or 0), UTC),
    }


@page
@require_POST
def task_purge(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Delete a task in the trash for good; the page has asked whether that is meant."""
    try:
        services.purge_task(context(request), str(task_id))
    except TaskNotFound:
        if not selectors.was_purged(person_id(request), str(task_id)):
            raise
    return answer(request, _("Deleted for ever"))


@page
@require_POST
def trash_empty(request: HttpRequest) -> HttpResponse:
    """Delete what is in the trash for good; of very much, a part at a time."""
    done, more = services.empty_trash(context(request))
    text = ngettext("Deleted %(count)d task for ever", "Deleted %(count)d tasks for ever", done) % {
        "count": done
    }
    if more:
        text += ". " + _("There are more: empty the trash again.")
    return answer(request, text)

"""The trash: tasks deleted in the last 30 days, to restore or to delete permanently."""

import time
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
from tasks.views.listing import page_context
from tasks.views.responses import answer, task_view
from tasks.views.rows import due_words
from tasks.views.search import Search
from tasks.views.viewer import local_time, now_of, person_id
from web.answers import fit_page

PAGE_SIZE = 50


@task_view
@require_safe
def task_trash(request: HttpRequest) -> HttpResponse:
    """Show a page of deleted tasks, each with the days it has left."""

    def build(rows: int) -> HttpResponse:
        found = selectors.get_trashed(
            person_id(request), limit=rows, cursor=request.GET.get("cursor") or None
        )
        shown = {
            **page_context("trash", Search()),
            "entries": [_entry(request, task) for task in found.items],
            "next_cursor": found.next_cursor,
        }
        return render(request, "tasks/trash.html", shown)

    try:
        return fit_page(build, PAGE_SIZE)
    except InvalidCursor:
        return redirect("task-trash")


def _entry(request: HttpRequest, task: TrashItem) -> dict[str, object]:
    return {
        "task": task,
        "due": due_words(task, now_of(request)),
        "deleted": local_time(request, task.deleted_at),
        "days_left": max(1, round((int(task.expires_at or 0) - time.time()) / 86_400)),
    }


@task_view
@require_POST
def task_purge(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Permanently delete a task in the trash; the page has asked for confirmation."""
    try:
        services.purge_task(context(request), str(task_id))
    except TaskNotFound:
        if not selectors.was_purged(person_id(request), str(task_id)):
            raise
    return answer(request, _("Permanently deleted"))


@task_view
@require_POST
def trash_empty(request: HttpRequest) -> HttpResponse:
    """Permanently delete the tasks in the trash; a very full trash takes several requests."""
    done, more = services.empty_trash(context(request))
    text = ngettext("Permanently deleted %(count)d task", "Permanently deleted %(count)d tasks", done) % {
        "count": done
    }
    if more:
        text += ". " + _("The trash is not empty yet: empty it again.")
    return answer(request, text)

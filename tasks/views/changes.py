"""Adding, completing, deleting and restoring: each answers with the changed parts to htmx, else with a redirect."""

import hashlib
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from tasks import selectors, services
from tasks.errors import TaskNotFound, ValidationFailed
from tasks.forms import QuickAddForm
from tasks.idempotency import Once, StoredReply
from tasks.items import OPEN_STATUSES, STATUSES, TaskItem
from tasks.services import Written
from tasks.views.common import is_partial, list_url, page, person_id, today_of
from tasks.views.listing import list_context
from tasks.views.presentation import Row, make_row
from todo_site.identity.services import context

_VERBS = {
    "pending": "Reopened",
    "in_progress": "Reopened",
    "completed": "Completed",
    "cancelled": "Cancelled",
}


@page
@require_POST
def task_add(request: HttpRequest) -> HttpResponse:
    """Add a task from the quick-add line. Sending the same form twice adds it once."""
    form = QuickAddForm(request.POST)
    if form.is_valid():
        try:
            written = _create(request, form)
        except ValidationFailed as error:
            form.add_domain_errors(error.errors)
        else:
            return _added(request, written)
    if is_partial(request):
        return render(request, "tasks/partials/refused.html", {"form": form}, status=422)
    return render(request, "tasks/list.html", list_context(request, form), status=422)


def _create(request: HttpRequest, form: QuickAddForm) -> Written:
    given = form.task_fields()
    key = form.cleaned_data["idempotency_key"]
    return services.create_task(context(request), given, once=_once(key, given) if key else None)


def _once(key: str, given: dict[str, Any]) -> Once:
    """Make the form's key good for one task: the same form with other content is another task."""
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return Once(f"web-{key}-{digest[:16]}", digest, lambda task: StoredReply(303, task.id))


def _added(request: HttpRequest, written: Written) -> HttpResponse:
    if not is_partial(request):
        return redirect(list_url(request))
    row = None
    with suppress(TaskNotFound):  # added by an earlier send of this form, and deleted since
        row = make_row(_whole(request, written), today_of(request))
    return render(request, "tasks/partials/added.html", {"row": row, "form": QuickAddForm.fresh()})


def _whole(request: HttpRequest, written: Written) -> TaskItem:
    if not written.replayed:
        return written.task
    return selectors.get_task(person_id(request), written.task.SK.removeprefix("TASK#"))


@page
@require_POST
def task_complete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Give a task the status ``to``: completed, or what it was before. Without ``to`` it is toggled.

    The button says which state it wants, so that pressing it twice is not an undo.
    """
    wanted = request.POST.get("to") or request.GET.get("to") or _opposite(request, task_id)
    if wanted not in STATUSES:
        raise BadRequest("There is no such status.")
    task = services.update_task(context(request), str(task_id), {"status": wanted}).task
    undo = ""
    if wanted not in OPEN_STATUSES:
        before = "in_progress" if request.GET.get("was") == "in_progress" else "pending"
        undo = f"{reverse('task-complete', args=[task_id])}?{urlencode({'to': before, 'undo': 1})}"
    return _changed(request, task, _VERBS[wanted], undo)


def _opposite(request: HttpRequest, task_id: UUID) -> str:
    task = selectors.get_task(person_id(request), str(task_id))
    return "completed" if task.status in OPEN_STATUSES else "pending"


@page
@require_POST
def task_delete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Move a task to the trash, and offer to take it back."""
    task = services.delete_task(context(request), str(task_id)).task
    undo = f"{reverse('task-restore', args=[task_id])}?undo=1"
    return _changed(request, task, "Deleted", undo, gone=True)


@page
@require_POST
def task_restore(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Take a task back from the trash."""
    return _changed(request, services.restore_task(context(request), str(task_id)).task, "Restored")


def _changed(
    request: HttpRequest, task: TaskItem, verb: str, undo: str = "", *, gone: bool = False
) -> HttpResponse:
    text = f"{verb} “{task.title}”"
    if not is_partial(request):
        messages.success(request, text, extra_tags=undo)
        return redirect(list_url(request))
    row: Row | None = None if gone else make_row(task, today_of(request))
    shown = {"task_id": task.id, "row": row, "text": text, "undo": undo, "arrives": "undo" in request.GET}
    return render(request, "tasks/partials/changed.html", shown)

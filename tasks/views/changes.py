"""Completing, deleting, restoring, duplicating, skipping: htmx gets what changed, others a redirect."""

import hashlib
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from identity.sign_in import context
from store.errors import VersionConflict
from store.idempotency import Once, StoredReply
from tasks import fields, selectors, services
from tasks.errors import TaskNotFound
from tasks.items import OPEN_STATUSES, STATUSES, TaskItem
from tasks.recurrence import next_occurrence
from tasks.views import undo
from tasks.views.common import answer, is_partial, list_url, page, person_id, today_of
from tasks.views.presentation import Row, due_words, make_row

_DONE = {
    "pending": gettext_lazy("Reopened “%(title)s”"),
    "in_progress": gettext_lazy("Started “%(title)s”"),
    "completed": gettext_lazy("Completed “%(title)s”"),
    "cancelled": gettext_lazy("Cancelled “%(title)s”"),
}


@page
@require_POST
def task_complete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Give a task the status ``to``: completed, or what it was before. Without ``to`` it is toggled.

    The button says which state it wants, so that pressing it twice is not an undo.
    """
    wanted = request.POST.get("to") or request.GET.get("to") or _opposite(request, task_id)
    if wanted not in STATUSES:
        raise BadRequest(_("There is no such status."))
    change = services.take_back if "undo" in request.GET else services.update_task
    task = change(context(request), str(task_id), {"status": wanted}).task
    before = request.GET.get("was", "pending")
    undoing = ""
    if "undo" not in request.GET and before in STATUSES and before != wanted:
        wish = urlencode({"to": before, "undo": 1})
        undoing = f"{reverse('task-complete', args=[task_id])}?{wish}"
    return _changed(request, task, _DONE[wanted] % {"title": task.title}, undoing)


def _opposite(request: HttpRequest, task_id: UUID) -> str:
    task = selectors.get_task(person_id(request), str(task_id))
    return "completed" if task.status in OPEN_STATUSES else "pending"


@page
@require_POST
def task_delete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Move a task to the trash, and offer to take it back."""
    text = _("Deleted “%(title)s”")
    try:
        task: TaskItem = services.delete_task(context(request), str(task_id)).task
    except TaskNotFound:  # pressed twice, or in two windows
        task, text = (
            selectors.get_trashed_task(person_id(request), str(task_id)),
            _("“%(title)s” was deleted already"),
        )
    undoing = f"{reverse('task-restore', args=[task_id])}?undo=1"
    return _changed(request, task, text % {"title": task.title}, undoing, gone=True)


@page
@require_POST
def task_restore(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Take a task back from the trash."""
    text = _("Restored “%(title)s”")
    try:
        task = services.restore_task(context(request), str(task_id)).task
    except TaskNotFound:
        task = selectors.get_task(person_id(request), str(task_id))
        text = _("“%(title)s” was restored already")
    return _changed(request, task, text % {"title": task.title})


@page
@require_POST
def task_duplicate(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Make a fresh task like this one, to do again, and open it."""
    task = selectors.get_task(person_id(request), str(task_id)).attribute_values
    copied = {name: task[name] for name in fields.TaskChanges.__annotations__ if name in task}
    copied["status"] = "pending"
    if "checklist" in copied:
        copied["checklist"] = [{"text": entry["text"], "done": False} for entry in copied["checklist"]]
    key = request.POST.get("key", "")
    written = services.create_task(context(request), copied, once=_once(key, str(task_id)) if key else None)
    if not written.replayed:
        messages.success(request, _("This is the copy of “%(title)s”") % {"title": copied["title"]})
    return redirect("task-edit", written.task.SK.removeprefix("TASK#"))


def _once(key: str, task_id: str) -> Once:
    """Make the page's key good for one copy of this task, however often its button is pressed."""
    digest = hashlib.sha256(f"{key}\0{task_id}".encode()).hexdigest()
    return Once(f"web-copy-{digest}", digest, lambda task: StoredReply(303, task.id))


@page
@require_POST
def task_skip(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Move a recurring task on to its next day without doing this one.

    The button says at which ``version`` it was seen: pressing it twice skips one day, not two.
    """
    before = selectors.get_task(person_id(request), str(task_id))
    today = today_of(request)
    due = date.fromisoformat(before.due_date) if before.due_date else today
    following = next_occurrence(before.recurrence, due, today) if before.recurrence else None
    if following is None:
        return answer(request, _("“%(title)s” does not come again.") % {"title": before.title}, level="error")
    seen = request.GET.get("version", str(before.version))
    if seen != str(before.version):
        return _skipped_already(request, before)
    changes = {"due_date": following[0].isoformat(), "recurrence": following[1]}
    try:
        task = services.update_task(context(request), str(task_id), changes, if_version=before.version).task
    except VersionConflict:
        return _skipped_already(request, selectors.get_task(person_id(request), str(task_id)))
    text = _("Skipped. “%(title)s” is due next: %(day)s") % _naming(task, today)
    token = undo.token(request, [undo.step(before.attribute_values, task)])
    return answer(request, text, undo=undo.url(), token=token)


def _skipped_already(request: HttpRequest, task: TaskItem) -> HttpResponse:
    text = _("“%(title)s” was changed meanwhile. It is due: %(day)s")
    return answer(request, text % _naming(task, today_of(request)))


def _naming(task: TaskItem, today: date) -> dict[str, str]:
    day = due_words(task.due_date, task.due_time, today) if task.due_date else _("no date")
    return {"title": task.title, "day": day}


def _changed(
    request: HttpRequest, task: TaskItem, text: str, undoing: str = "", *, gone: bool = False
) -> HttpResponse:
    if not is_partial(request):
        messages.success(request, text, extra_tags=undoing)
        return redirect(list_url(request))
    row: Row | None = None if gone else make_row(task, today_of(request))
    shown = {"task_id": task.id, "row": row, "text": text, "undo": undoing, "arrives": "undo" in request.GET}
    shown_now = render(request, "tasks/partials/changed.html", shown)
    if task.recurrence:  # there may be a next occurrence by now, or none any more
        shown_now["HX-Trigger"] = "tasks:look"
    return shown_now

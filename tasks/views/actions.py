"""Buttons that act on one task: complete, delete, restore, duplicate, skip. htmx gets the changed row, other clients a
redirect."""

import hashlib
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from identity.sign_in import context
from store.errors import ValidationFailed, VersionConflict
from store.idempotency import Once, StoredReply
from tasks import ids, recurrence, selectors, services
from tasks.errors import SeriesEnded, TaskNotFound
from tasks.items import OPEN_STATUSES, STATUSES, TaskItem
from tasks.views import undo
from tasks.views.responses import add_message, answer, is_partial, task_view
from tasks.views.rows import due_words, make_row
from tasks.views.viewer import now_of, person_id

_DONE = {
    "pending": gettext_lazy("Reopened “%(title)s”"),
    "in_progress": gettext_lazy("Started “%(title)s”"),
    "completed": gettext_lazy("Completed “%(title)s”"),
    "cancelled": gettext_lazy("Cancelled “%(title)s”"),
}


@task_view
@require_POST
def task_complete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Set a task's status to ``to``; without ``to``, complete an open task and reopen a closed one.

    The button sends the status it wants, so that pressing it twice does not undo the first press.
    """
    wanted = request.POST.get("to") or request.GET.get("to") or _opposite(request, task_id)
    if wanted not in STATUSES:
        raise BadRequest(_("There is no such status."))
    task = services.update_task(context(request), str(task_id), {"status": wanted}).task
    before = request.GET.get("was", "pending")
    undo_url = ""
    if "undo" not in request.GET and before in STATUSES and before != wanted:
        query = urlencode({"to": before, "undo": 1})
        undo_url = f"{reverse('task-complete', args=[task_id])}?{query}"
    text = _DONE[wanted] % {"title": task.title}
    if note := _series_note(task, wanted):
        text = f"{text}. {note}"
    return _changed(request, task, text, undo_url)


def _series_note(task: TaskItem, wanted: str) -> str:
    """Return what a person should know about the series of a task that got the status ``wanted``, or nothing."""
    if wanted == "completed" and task.recurrence and not task.next_task_id:
        if recurrence.is_valid(task.recurrence):
            return _("It was the last one.")
        return _("It does not repeat again: how it repeats could not be read.")
    if wanted in OPEN_STATUSES and task.next_task_id:
        return _("It no longer repeats: the next one goes on with that.")
    return ""


def _opposite(request: HttpRequest, task_id: UUID) -> str:
    task = selectors.get_task(person_id(request), str(task_id))
    return "completed" if task.status in OPEN_STATUSES else "pending"


@task_view
@require_POST
def task_delete(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Move a task to the trash, and offer to undo it."""
    text = _("Deleted “%(title)s”")
    try:
        task: TaskItem = services.delete_task(context(request), str(task_id)).task
    except TaskNotFound:  # pressed twice, or in two windows
        task = selectors.get_trashed_task(person_id(request), str(task_id))
        text = _("“%(title)s” was already deleted")
    undo_url = f"{reverse('task-restore', args=[task_id])}?undo=1"
    return _changed(request, task, text % {"title": task.title}, undo_url, gone=True)


@task_view
@require_POST
def task_restore(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Restore a task from the trash."""
    text = _("Restored “%(title)s”")
    try:
        task = services.restore_task(context(request), str(task_id)).task
    except TaskNotFound:
        task = selectors.get_task(person_id(request), str(task_id))
        text = _("“%(title)s” was already restored")
    return _changed(request, task, text % {"title": task.title})


@task_view
@require_POST
def task_duplicate(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Create an open copy of a task, its checklist unchecked, and open it."""
    task = selectors.get_task(person_id(request), str(task_id))
    key = request.POST.get("key", "")
    once = _once(key, str(task_id)) if key else None
    try:
        written = services.duplicate_task(context(request), task, once=once)
    except ValidationFailed as error:  # it is older than what its texts may hold
        return answer(request, error.errors[0]["message"], level="error")
    if not written.replayed:
        add_message(request, _("This is a copy of “%(title)s”") % {"title": task.title})
    return redirect("task-edit", ids.from_sort_key(written.task.SK))


def _once(key: str, task_id: str) -> Once:
    """Return the idempotency key for one copy of this task from one page, however often its button is pressed."""
    digest = hashlib.sha256(f"{key}\0{task_id}".encode()).hexdigest()
    return Once(f"web-copy-{digest}", digest, lambda task: StoredReply(303, task.id))


@task_view
@require_POST
def task_skip(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Move a recurring task to its next day without completing it.

    The button sends the ``version`` it was shown at, so that pressing it twice skips one day, not two.
    """
    before = selectors.get_task(person_id(request), str(task_id))
    if request.GET.get("version", str(before.version)) != str(before.version):
        return _already_changed(request, before)
    try:
        task = services.skip_task(context(request), str(task_id), if_version=before.version).task
    except SeriesEnded:
        text = _("“%(title)s” does not repeat again.") % {"title": before.title}
        return answer(request, text, level="error")
    except VersionConflict:
        return _already_changed(request, selectors.get_task(person_id(request), str(task_id)))
    text = _("Skipped. “%(title)s” is next due: %(day)s") % _title_and_day(request, task)
    return answer(request, text, **undo.button(request, [undo.step(before, task)]))


def _already_changed(request: HttpRequest, task: TaskItem) -> HttpResponse:
    text = _("“%(title)s” has already changed. It is due: %(day)s")
    return answer(request, text % _title_and_day(request, task))


def _title_and_day(request: HttpRequest, task: TaskItem) -> dict[str, str]:
    day = due_words(task, now_of(request)) or _("no date")
    return {"title": task.title, "day": day}


def _changed(
    request: HttpRequest, task: TaskItem, text: str, undo_url: str = "", *, gone: bool = False
) -> HttpResponse:
    if not is_partial(request):
        return answer(request, text, undo=undo_url)
    row = None if gone else make_row(task, now_of(request))
    shown = {"task_id": task.id, "row": row, "text": text, "undo": undo_url, "arrives": "undo" in request.GET}
    response = render(request, "tasks/partials/changed.html", shown)
    if task.recurrence:  # its next occurrence may have been created or removed
        response["HX-Trigger"] = "tasks:look"
    return response

"""The page of one task: shows and edits it. Changes made elsewhere in the meantime are shown, never overwritten."""

import uuid
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from identity.sign_in import context
from identity.today import name_of
from store.errors import ValidationFailed, VersionConflict
from tasks import checklists, selectors, services
from tasks.errors import TaskNotFound
from tasks.forms import TaskForm
from tasks.items import OPEN_STATUSES, TaskItem
from tasks.views import conflicts, undo
from tasks.views.conflicts import Difference
from tasks.views.repeats import described
from tasks.views.responses import add_message, list_url, task_view
from tasks.views.rows import elsewhere
from tasks.views.undo import Step
from tasks.views.viewer import local_time, now_of, person_id, today_of, zone_of
from web import markdown


@task_view
@require_http_methods(["GET", "HEAD", "POST"])
def task_edit(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show a task as a form, or save the form."""
    if request.method != "POST":
        task = selectors.get_task(person_id(request), str(task_id))
        return _page(request, task, TaskForm.for_task(task))
    form = TaskForm(request.POST)
    form.today = today_of(request)
    if form.is_valid() and "show" in request.POST:
        return _page(request, selectors.get_task(person_id(request), str(task_id)), form)
    if form.is_valid():
        try:
            if "restore" in request.POST:
                _restore(request, str(task_id))
            return _save(request, str(task_id), form)
        except TaskNotFound:
            return _gone(request, str(task_id), form)
        except ValidationFailed as error:
            form.add_domain_errors(error.errors)
        except VersionConflict:
            return _conflict(request, str(task_id), form)
    return _page(request, selectors.get_task(person_id(request), str(task_id)), form, status=422)


def _save(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    changes = form.changes()
    if not changes:
        add_message(request, _("Nothing to save: no field was changed"))
        return redirect(_back_url(request))
    before = selectors.get_task(person_id(request), task_id)
    if changes.get("due_time") and not (before.due_time and before.timezone):
        changes["timezone"] = str(zone_of(request))
    if changes.get("checklist"):
        changes["checklist"] = checklists.parse(changes["checklist"], before.checklist or ())
    task, step = undo.update(request, before, changes, form.cleaned_data["version"])
    return _saved(request, task, step)


def _saved(request: HttpRequest, task: TaskItem, step: Step | None = None) -> HttpResponse:
    add_message(request, _("Saved “%(title)s”") % {"title": task.title}, **undo.button(request, [step]))
    return redirect(_back_url(request))


def _back_url(request: HttpRequest) -> str:
    """Return the list page that this task was opened from, as remembered by the form; else the plain list."""
    return list_url(request, request.POST.get("back", ""))


def _conflict(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    task = selectors.get_task(person_id(request), task_id)
    rebased = conflicts.rebase(form, task)
    return _page(request, task, *rebased, status=409) if rebased else _saved(request, task)


def _gone(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    """Keep what was typed for a task deleted in the meantime; the form expects the version after the restore."""
    task = selectors.get_trashed_task(person_id(request), task_id)
    return _page(request, task, form.rebased(task, int(task.version) + 1), status=409, gone=True)


def _restore(request: HttpRequest, task_id: str) -> None:
    with suppress(TaskNotFound):  # already restored by an earlier submission of this form
        services.restore_task(context(request), task_id)


def _page(
    request: HttpRequest,
    task: TaskItem,
    form: TaskForm,
    differences: list[Difference] | None = None,
    status: int = 200,
    *,
    gone: bool = False,
) -> HttpResponse:
    shown = {
        "task": task,
        "form": form,
        "differences": differences,
        "gone": gone,
        "is_open": task.status in OPEN_STATUSES,
        "copy_key": uuid.uuid4().hex,
        "prose": markdown.render(task.description) if task.description else "",
        "back": _back_url(request),
        "zone_name": _zone_name(request, task),
        "local_due": elsewhere(task, now_of(request)),
        "repeats": described(_repeating(form, task), now_of(request)),
        **_times(request, task),
    }
    return render(request, "tasks/edit.html", shown, status=status)


def _zone_name(request: HttpRequest, task: TaskItem) -> str:
    """Return the zone that the form's time of day is in: the task's own, which saving keeps, else the viewer's."""
    own = task.timezone if task.due_time else None
    return name_of(own or zone_of(request))


def _repeating(form: TaskForm, task: TaskItem) -> dict[str, Any]:
    """Return the fields of the task that say how it repeats, as the form has them."""
    values = dict(task.attribute_values)
    if form.is_bound:
        form.is_valid()  # a form with the changes of two people has not been cleaned yet
        values |= {
            name: form.cleaned_data.get(name)
            for name in ("due_date", "due_time", "recurrence", "repeat_from")
        }
    return values


def _times(request: HttpRequest, task: TaskItem) -> dict[str, Any]:
    return {
        name: local_time(request, getattr(task, f"{name}_at")) for name in ("created", "updated", "completed")
    }


@task_view
@require_safe
def task_fresh(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Answer an open page: 204 while the task is still at ``version``, else a notice that it changed or is gone."""
    try:
        task = selectors.get_task(person_id(request), str(task_id))
    except TaskNotFound:
        if not selectors.was_deleted(person_id(request), str(task_id)):
            raise
        return render(request, "tasks/partials/stale.html", {"task_id": task_id})
    if str(task.version) == request.GET.get("version"):
        return HttpResponse(status=204)
    shown = {"task": task, "task_id": task_id, **_times(request, task)}
    return render(request, "tasks/partials/stale.html", shown)

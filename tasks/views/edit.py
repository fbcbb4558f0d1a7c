"""One task: reading and editing it. What others changed meanwhile is shown, never overwritten silently."""

import uuid
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from identity.sign_in import context
from store.errors import ValidationFailed, VersionConflict
from tasks import checklists, selectors, services
from tasks.errors import TaskNotFound
from tasks.forms import TaskForm
from tasks.items import TaskItem
from tasks.views import presentation, undo
from tasks.views.common import list_url, page, person_id, zone_of
from tasks.views.presentation import Difference
from web import markdown


@page
@require_http_methods(["GET", "HEAD", "POST"])
def task_edit(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show a task as a form, or save what was changed in it."""
    if request.method != "POST":
        task = selectors.get_task(person_id(request), str(task_id))
        initial = presentation.form_values(task) | {"version": task.version}
        return _page(request, task, TaskForm(initial=initial))
    form = TaskForm(request.POST)
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
        messages.success(request, _("Nothing to save: no field was changed"))
        return redirect(back_url(request))
    before = selectors.get_task(person_id(request), task_id)
    if changes.get("due_time"):
        changes["timezone"] = str(zone_of(request))
    if changes.get("checklist"):
        changes["checklist"] = checklists.parse(changes["checklist"], before.checklist or ())
    task = services.update_task(
        context(request), task_id, changes, if_version=form.cleaned_data["version"]
    ).task
    token = undo.token(request, [undo.step(before.attribute_values, task)])
    messages.success(
        request,
        _("Saved “%(title)s”") % {"title": task.title},
        extra_tags=f"{undo.url()} {token}" if token else "",
    )
    return redirect(back_url(request))


def back_url(request: HttpRequest) -> str:
    """Return the page of tasks that this task was opened from, as the form remembers it, or the plain list."""
    return list_url(request, request.POST.get("back", ""))


def _conflict(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    """Show what changed since the form was opened, unless it is just what this form wanted: then it was sent twice."""
    task = selectors.get_task(person_id(request), task_id)
    now, mine, touched = presentation.form_values(task), form.texts(), form.touched()
    if presentation.agree(now, mine, touched):
        messages.success(request, _("Saved “%(title)s”") % {"title": task.title})
        return redirect(back_url(request))
    found = presentation.differences(form.base(), now, mine, touched)
    return _page(request, task, form.rebased(now, int(task.version)), found, status=409)


def _gone(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    """Keep what was written for a task that was deleted meanwhile: restoring it leads to the version after."""
    task = selectors.get_trashed_task(person_id(request), task_id)
    kept = form.rebased(presentation.form_values(task), int(task.version) + 1)
    return _page(request, task, kept, status=409, gone=True)


def _restore(request: HttpRequest, task_id: str) -> None:
    with suppress(TaskNotFound):  # restored by an earlier send of this form
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
        "copy_key": uuid.uuid4().hex,
        "prose": markdown.render(task.description) if task.description else "",
        "back": back_url(request),
        "zone_name": str(zone_of(request)).replace("_", " "),
        **_times(request, task),
    }
    return render(request, "tasks/edit.html", shown, status=status)


def _times(request: HttpRequest, task: TaskItem) -> dict[str, Any]:
    where = zone_of(request)
    names = {"created": task.created_at, "updated": task.updated_at, "completed": task.completed_at}
    return {name: presentation.moment(value, where) for name, value in names.items()}


@page
@require_safe
def task_fresh(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Say nothing (204) if the task is still at ``version``, else what has become of it, for a page left open."""
    try:
        task = selectors.get_task(person_id(request), str(task_id))
    except TaskNotFound:
        return render(request, "tasks/partials/stale.html", {"task_id": task_id})
    if str(task.version) == request.GET.get("version"):
        return HttpResponse(status=204)
    return render(
        request, "tasks/partials/stale.html", {"task": task, "task_id": task_id, **_times(request, task)}
    )

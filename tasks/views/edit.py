"""One task: reading and editing it. What others changed meanwhile is shown, never overwritten silently."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from tasks import selectors, services
from tasks.errors import ValidationFailed, VersionConflict
from tasks.forms import TaskForm
from tasks.items import TaskItem
from tasks.views import presentation
from tasks.views.common import page, person_id, zone_of
from tasks.views.presentation import Difference
from todo_site.identity.services import context


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
            return _save(request, str(task_id), form)
        except ValidationFailed as error:
            form.add_domain_errors(error.errors)
        except VersionConflict:
            return _conflict(request, str(task_id), form)
    return _page(request, selectors.get_task(person_id(request), str(task_id)), form, status=422)


def _save(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    changes = form.changes()
    if changes.get("due_time"):
        changes["timezone"] = str(zone_of(request))
    task = services.update_task(
        context(request), task_id, changes, if_version=form.cleaned_data["version"]
    ).task
    messages.success(request, f"Saved “{task.title}”" if changes else "Nothing to save: no field was changed")
    return redirect(reverse("task-list"))


def _conflict(request: HttpRequest, task_id: str, form: TaskForm) -> HttpResponse:
    """Show what changed since the form was opened, unless it is just what this form wanted: then it was sent twice."""
    task = selectors.get_task(person_id(request), task_id)
    now, mine, touched = presentation.form_values(task), form.texts(), form.touched()
    if presentation.agree(now, mine, touched):
        messages.success(request, f"Saved “{task.title}”")
        return redirect(reverse("task-list"))
    found = presentation.differences(form.base(), now, mine, touched)
    return _page(request, task, form.rebased(now, int(task.version)), found, status=409)


def _page(
    request: HttpRequest,
    task: TaskItem,
    form: TaskForm,
    differences: list[Difference] | None = None,
    status: int = 200,
) -> HttpResponse:
    where = zone_of(request)
    times = {
        name: presentation.moment(value, where)
        for name, value in (
            ("created", task.created_at),
            ("updated", task.updated_at),
            ("completed", task.completed_at),
        )
    }
    shown = {"task": task, "form": form, "differences": differences, **times}
    return render(request, "tasks/edit.html", shown, status=status)

"""Editing a row in its list. A row whose task changed in the meantime comes back current, and says so."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from store.errors import ValidationFailed, VersionConflict
from tasks import selectors
from tasks.forms import InlineForm
from tasks.items import TaskItem
from tasks.views import conflicts, undo
from tasks.views.conflicts import Difference
from tasks.views.responses import is_partial, task_view
from tasks.views.rows import elsewhere, make_row
from tasks.views.viewer import now_of, person_id


@task_view
@require_http_methods(["GET", "HEAD", "POST"])
def task_inline(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show a row as a form (``edit``) or as it is, or save the form. Without htmx, go to the task's page."""
    if not is_partial(request):
        return redirect("task-edit", task_id)
    auto_id = f"inline-{str(task_id)[-8:]}-%s"
    if request.method != "POST":
        task = selectors.get_task(person_id(request), str(task_id))
        if "edit" in request.GET:
            return _form(request, task, InlineForm.for_task(task, auto_id=auto_id))
        return _row(request, task)
    form = InlineForm(request.POST, auto_id=auto_id)
    if form.is_valid():
        try:
            return _save(request, str(task_id), form)
        except ValidationFailed as error:
            form.add_domain_errors(error.errors)
        except VersionConflict:
            return _conflict(request, str(task_id), form)
    return _form(request, selectors.get_task(person_id(request), str(task_id)), form, status=422)


def _save(request: HttpRequest, task_id: str, form: InlineForm) -> HttpResponse:
    before = selectors.get_task(person_id(request), task_id)
    task, step = undo.update(request, before, form.changes(), form.cleaned_data["version"])
    if step is None:
        return _row(request, task)
    text = _("Saved “%(title)s”") % {"title": task.title}
    return _row(request, task, {"text": text, **undo.button(request, [step])})


def _conflict(request: HttpRequest, task_id: str, form: InlineForm) -> HttpResponse:
    task = selectors.get_task(person_id(request), task_id)
    rebased = conflicts.rebase(form, task)
    if rebased is None:
        return _row(request, task)
    text = _("This task changed while you were editing it. Nothing was saved: save again to keep yours.")
    return _form(request, task, *rebased, notice=text, status=409)


def _row(request: HttpRequest, task: TaskItem, toast: Mapping[str, object] | None = None) -> HttpResponse:
    shown = {
        "row": make_row(task, now_of(request)),
        "task_id": task.id,
        "arrives": bool(toast),
        "quiet": toast is None,
        **(toast or {}),
    }
    return render(request, "tasks/partials/changed.html", shown)


def _form(
    request: HttpRequest,
    task: TaskItem,
    form: InlineForm,
    differences: Sequence[Difference] = (),
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    shown = {
        "task": task,
        "form": form,
        "notice": notice,
        "differences": differences,
        "local_due": elsewhere(task, now_of(request)),
    }
    return render(request, "tasks/partials/inline.html", shown, status=status)

"""Editing a line of the list in its place. A line that changed meanwhile comes back as it is now, and says so."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from identity.sign_in import context
from store.errors import ValidationFailed, VersionConflict
from tasks import selectors, services
from tasks.forms import InlineForm
from tasks.items import TaskItem
from tasks.views import presentation, undo
from tasks.views.common import is_partial, page, person_id, today_of
from tasks.views.presentation import Difference


@page
@require_http_methods(["GET", "HEAD", "POST"])
def task_inline(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show one line of the list as a form (``edit``), as it is, or save it. Others than htmx get the whole task."""
    if not is_partial(request):
        return redirect("task-edit", task_id)
    if request.method != "POST":
        task = selectors.get_task(person_id(request), str(task_id))
        return _form(request, task, _filled(task)) if "edit" in request.GET else _row(request, task)
    form = InlineForm(request.POST, auto_id=_auto_id(str(task_id)))
    if form.is_valid():
        try:
            return _save(request, str(task_id), form)
        except ValidationFailed as error:
            form.add_domain_errors(error.errors)
        except VersionConflict:
            return _conflict(request, str(task_id), form)
    return _form(request, selectors.get_task(person_id(request), str(task_id)), form, status=422)


def _auto_id(task_id: str) -> str:
    return f"inline-{task_id[-8:]}-%s"


def _filled(task: TaskItem) -> InlineForm:
    values = presentation.form_values(task)
    initial = {name: values[name] for name in InlineForm.EDITABLE} | {"version": task.version}
    return InlineForm(initial=initial, auto_id=_auto_id(str(task.id)))


def _save(request: HttpRequest, task_id: str, form: InlineForm) -> HttpResponse:
    before = selectors.get_task(person_id(request), task_id)
    task = services.update_task(
        context(request), task_id, form.changes(), if_version=form.cleaned_data["version"]
    ).task
    token = undo.token(request, [undo.step(before.attribute_values, task)])
    said = {"text": _("Saved “%(title)s”") % {"title": task.title}, "undo": undo.url(), "token": token}
    return _row(request, task, said if token else None)


def _conflict(request: HttpRequest, task_id: str, form: InlineForm) -> HttpResponse:
    """Show what changed beside what was typed, unless both are the same: then it was sent twice."""
    task = selectors.get_task(person_id(request), task_id)
    values = presentation.form_values(task)
    now, mine, touched = {name: values[name] for name in form.EDITABLE}, form.texts(), form.touched()
    if presentation.agree(now, mine, touched):
        return _row(request, task)
    found = presentation.differences(form.base(), now, mine, touched)
    said = _("This task changed while you were editing it. Nothing was saved: save again to keep yours.")
    return _form(request, task, form.rebased(now, int(task.version)), said, found, status=409)


def _row(request: HttpRequest, task: TaskItem, said: dict[str, str] | None = None) -> HttpResponse:
    row = presentation.make_row(task, today_of(request))
    shown = {"row": row, "task_id": task.id, "arrives": bool(said), "quiet": said is None, **(said or {})}
    return render(request, "tasks/partials/changed.html", shown)


def _form(
    request: HttpRequest,
    task: TaskItem,
    form: InlineForm,
    said: str = "",
    differences: Sequence[Difference] = (),
    status: int = 200,
) -> HttpResponse:
    shown = {"task": task, "form": form, "said": said, "differences": differences}
    return render(request, "tasks/partials/inline.html", shown, status=status)

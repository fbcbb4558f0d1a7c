"""Editing a line of the list in its place. A line that changed meanwhile comes back as it is now, and says so."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tasks import selectors, services
from tasks.errors import ValidationFailed, VersionConflict
from tasks.forms import InlineForm
from tasks.items import TaskItem
from tasks.views import presentation, undo
from tasks.views.common import is_partial, page, person_id, today_of
from todo_site.identity.services import context


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
            task = selectors.get_task(person_id(request), str(task_id))
            form = _filled(task)
            said = _(
                "This task changed while you were editing it. It is shown as it is now; nothing was saved."
            )
            return _form(request, task, form, said, status=409)
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


def _row(request: HttpRequest, task: TaskItem, said: dict[str, str] | None = None) -> HttpResponse:
    row = presentation.make_row(task, today_of(request))
    shown = {"row": row, "task_id": task.id, "arrives": bool(said), "quiet": said is None, **(said or {})}
    return render(request, "tasks/partials/changed.html", shown)


def _form(
    request: HttpRequest, task: TaskItem, form: InlineForm, said: str = "", status: int = 200
) -> HttpResponse:
    shown = {"task": task, "form": form, "said": said}
    return render(request, "tasks/partials/inline.html", shown, status=status)

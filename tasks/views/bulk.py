"""Bulk actions: complete, delete, or set some fields of every selected task, with one undo for all of them."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from store.errors import ValidationFailed, VersionConflict, WriteContention
from tasks import selectors
from tasks.errors import TaskNotFound
from tasks.forms import BulkForm
from tasks.views import undo
from tasks.views.responses import answer, task_view
from tasks.views.undo import Step
from tasks.views.viewer import person_id, zone_of

MOST = 100
_STATUS_ACTIONS = {
    "complete": "completed",
    "reopen": "pending",
    "start": "in_progress",
    "cancel": "cancelled",
}


@task_view
@require_POST
def task_bulk(request: HttpRequest) -> HttpResponse:
    """Apply ``do`` to the tasks ``ids``: complete, reopen, start, cancel, delete, or ``apply`` the form's fields."""
    task_ids = chosen(request.POST)
    if not task_ids:
        return answer(request, _("Select some tasks first."), level="error")
    form = BulkForm(request.POST)
    action = request.POST.get("do", "")
    if action not in {"apply", "delete", *_STATUS_ACTIONS}:
        raise BadRequest(_("There is no such action."))
    if action == "apply" and not form.is_valid():
        errors = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return answer(request, errors, level="error")
    if action == "apply" and not form.given():
        return answer(request, _("Choose what to change first."), level="error")
    return change_each(request, task_ids, lambda task_id: _change(request, task_id, action, form), action)


def chosen(given: QueryDict) -> list[str]:
    """Return the ids of the selected tasks. Raises BadRequest for more than ``MOST``."""
    task_ids = list(dict.fromkeys(given.getlist("ids")))
    if len(task_ids) > MOST:
        raise BadRequest(_("At most %(most)d tasks can be changed at once.") % {"most": MOST})
    return task_ids


def change_each(
    request: HttpRequest, task_ids: Sequence[str], change: Callable[[str], Step | None], action: str = ""
) -> HttpResponse:
    """Change the tasks one after the other, and report what was done, with one undo for all."""
    steps, failures = [], []
    for task_id in task_ids:
        try:
            steps.append(change(task_id))
        except (TaskNotFound, VersionConflict, WriteContention, ValidationFailed) as error:
            failures.append(error)
    return _report(request, action, steps, failures)


def _change(request: HttpRequest, task_id: str, action: str, form: BulkForm) -> Step | None:
    if action == "delete":
        return undo.delete(request, task_id)
    before = selectors.get_task(person_id(request), task_id)
    changes: dict[str, Any] = (
        form.changes_for(before, zone_of(request))
        if action == "apply"
        else {"status": _STATUS_ACTIONS[action]}
    )
    return undo.update(request, before, changes, int(before.version))[1]


def _report(
    request: HttpRequest, action: str, steps: list[Step | None], failures: Sequence[Exception]
) -> HttpResponse:
    done = sum(step is not None for step in steps)
    text = (
        ngettext("Deleted %(count)d task", "Deleted %(count)d tasks", done)
        if action == "delete"
        else ngettext("Changed %(count)d task", "Changed %(count)d tasks", done)
    ) % {"count": done}
    if failures:
        text += ". " + ngettext(
            "%(count)d could not be changed: %(why)s",
            "%(count)d could not be changed: %(why)s",
            len(failures),
        ) % {"count": len(failures), "why": failures[0]}
    return answer(request, text, **undo.button(request, steps), level="error" if failures else "success")

"""Many tasks at once: complete, delete, or set some fields of every selected task. One undo for all of it."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from identity.sign_in import context
from store.errors import ValidationFailed, VersionConflict, WriteContention
from tasks import selectors, services
from tasks.errors import TaskNotFound
from tasks.forms import BulkForm
from tasks.items import TaskItem
from tasks.views import undo
from tasks.views.common import answer, page, person_id, zone_of
from tasks.views.undo import Step

MOST = 100
_STATUS_ACTS = {"complete": "completed", "reopen": "pending", "start": "in_progress", "cancel": "cancelled"}


@page
@require_POST
def task_bulk(request: HttpRequest) -> HttpResponse:
    """Do the act ``do`` to the tasks ``ids``: complete, reopen, start, cancel, delete, or apply the form's fields."""
    ids = list(dict.fromkeys(request.POST.getlist("ids")))
    if not ids:
        return answer(request, _("Select some tasks first."), level="error")
    if len(ids) > MOST:
        raise BadRequest(_("At most %(most)d tasks can be changed at once.") % {"most": MOST})
    form = BulkForm(request.POST)
    act = request.POST.get("do", "")
    if act == "apply" and not form.is_valid():
        return answer(
            request, " ".join(str(e) for errors in form.errors.values() for e in errors), level="error"
        )
    changes = {"status": _STATUS_ACTS[act]} if act in _STATUS_ACTS else {}
    if act not in _STATUS_ACTS and act not in {"apply", "delete"}:
        raise BadRequest(_("There is no such act."))
    if act == "apply" and not form.wanted():
        return answer(request, _("Choose what to change first."), level="error")
    steps, failures = [], []
    for task_id in ids:
        try:
            steps.append(_change(request, task_id, act, changes, form))
        except (TaskNotFound, VersionConflict, WriteContention, ValidationFailed) as error:
            failures.append(error)
    return _told(request, act, steps, failures)


def _change(
    request: HttpRequest, task_id: str, act: str, changes: dict[str, Any], form: BulkForm
) -> Step | None:
    if act == "delete":
        return undo.restoring(services.delete_task(context(request), task_id).task)
    before = selectors.get_task(person_id(request), task_id)
    wanted = changes or form.changes_for(before)
    if wanted.get("due_time"):
        wanted["timezone"] = str(zone_of(request))
    after: TaskItem = services.update_task(
        context(request), task_id, wanted, if_version=int(before.version)
    ).task
    return undo.step(before.attribute_values, after)


def _told(
    request: HttpRequest, act: str, steps: list[Step | None], failures: Sequence[Exception]
) -> HttpResponse:
    token = undo.token(request, steps)
    done = sum(entry is not None for entry in steps)
    text = (
        ngettext("Deleted %(count)d task", "Deleted %(count)d tasks", done)
        if act == "delete"
        else ngettext("Changed %(count)d task", "Changed %(count)d tasks", done)
    ) % {"count": done}
    if failures:
        text += ". " + ngettext(
            "%(count)d could not be changed: %(why)s",
            "%(count)d could not be changed: %(why)s",
            len(failures),
        ) % {"count": len(failures), "why": failures[0]}
    return answer(
        request, text, undo=undo.url() if token else "", token=token, level="error" if failures else "success"
    )

"""The history of a task, as a page of its own and as the part of the task's page that comes after it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tasks import checklists, history, selectors
from tasks.forms import FIELD_LABELS, PRIORITY_LABELS, STATUS_LABELS
from tasks.history import Change, Event, HistoryUnavailable
from tasks.items import TaskItem
from tasks.language import repeats
from tasks.views import presentation
from tasks.views.common import is_partial, page, person_id, zone_of

_LABELS = {"status": STATUS_LABELS, "priority": PRIORITY_LABELS}


@page
@require_safe
def task_history(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show who changed what of a task and when."""
    task = selectors.get_task(person_id(request), str(task_id))
    shown: dict[str, Any] = {"task": task, "failed": False}
    try:
        found = history.of(task)
        shown |= {"events": [_shown(request, task, event) for event in found.events], "behind": found.behind}
    except HistoryUnavailable:
        shown["failed"] = True
    template = "tasks/partials/history.html" if is_partial(request) else "tasks/history.html"
    return render(request, template, shown)


def _shown(request: HttpRequest, task: TaskItem, event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "at": presentation.moment(event.at, zone_of(request)),
        "by": _("You") if event.by == task.user_id else _("An administrator"),
        "request_id": event.request_id,
        "changes": [
            {
                "label": FIELD_LABELS[change.field],
                "before": _words(change, change.before),
                "after": _words(change, change.after),
            }
            for change in event.changes
        ],
    }


def _words(change: Change, value: Any) -> str:
    if not value:
        return ""
    if change.field == "checklist":
        return checklists.to_text(value)
    if change.field == "recurrence":
        return repeats.in_words(value)
    return (
        ", ".join(value) if isinstance(value, list) else str(_LABELS.get(change.field, {}).get(value, value))
    )

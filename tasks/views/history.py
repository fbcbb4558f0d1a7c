"""The history of a task, as its own page and as the section that htmx loads into the task's page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from store import time_zones
from tasks import checklists, history, selectors
from tasks.forms import FIELD_LABELS, PRIORITY_LABELS, REPEAT_FROM_LABELS, STATUS_LABELS
from tasks.history import Event, HistoryUnavailable
from tasks.items import TaskItem
from tasks.language import rule_words
from tasks.local_due import LocalDue, local_due
from tasks.views.responses import is_partial, task_view
from tasks.views.viewer import local_time, person_id, zone_of

_LABELS = {"status": STATUS_LABELS, "priority": PRIORITY_LABELS, "repeat_from": REPEAT_FROM_LABELS}


@task_view
@require_safe
def task_history(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show who changed which fields of a task, and when."""
    task = selectors.get_task(person_id(request), str(task_id))
    shown: dict[str, Any] = {"task": task, "failed": False}
    try:
        found = history.of_task(task)
        events = [_event_context(request, task, event) for event in found.events]
        shown |= {"events": events, "incomplete": found.incomplete}
    except HistoryUnavailable:
        shown["failed"] = True
    template = "tasks/partials/history.html" if is_partial(request) else "tasks/history.html"
    return render(request, template, shown)


def _event_context(request: HttpRequest, task: TaskItem, event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "at": local_time(request, event.at),
        "by": _("You") if event.by == task.user_id else _("An administrator"),
        "request_id": event.request_id,
        "changes": [
            {
                "label": FIELD_LABELS[change.field],
                "before": _text(request, change.field, event.before),
                "after": _text(request, change.field, event.after),
            }
            for change in event.changes
        ],
    }


def _text(request: HttpRequest, field: str, task: Mapping[str, Any]) -> str:
    value = task.get(field)
    if not value:
        return ""
    if field == "checklist":
        return checklists.to_text(value)
    if field == "recurrence":
        return rule_words.in_words(value, zone=time_zones.named(task.get("timezone")))
    if field in {"due_date", "due_time"}:
        return _due_text(field, local_due(task, zone_of(request)))
    return ", ".join(value) if isinstance(value, list) else str(_LABELS.get(field, {}).get(value, value))


def _due_text(field: str, due: LocalDue | None) -> str:
    if due is None:
        return ""
    if field == "due_date":
        return due.day.isoformat()
    return f"{due.time} ({due.there})" if due.there else due.time

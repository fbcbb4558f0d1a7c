"""Adding tasks from the quick-add line, and saying what a line means while it is typed."""

import hashlib
import json
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from identity.sign_in import context
from store.errors import ValidationFailed
from store.idempotency import Once, StoredReply
from tasks import selectors, services
from tasks.errors import TaskNotFound
from tasks.forms import PRIORITY_LABELS, QuickAddForm
from tasks.items import TaskItem
from tasks.language import quick_add, repeats
from tasks.language.quick_add import Part
from tasks.services import Written
from tasks.views.common import is_partial, list_url, now_of, page, person_id, today_of, zone_of
from tasks.views.listing import list_context
from tasks.views.presentation import due_words, make_row


@page
@require_POST
def task_add(request: HttpRequest) -> HttpResponse:
    """Add a task from the quick-add line. Sending the same form twice adds it once."""
    form = QuickAddForm(request.POST)
    if form.is_valid():
        try:
            written = _create(request, form)
        except ValidationFailed as error:
            form.add_domain_errors(error.errors)
        else:
            return _added(request, written)
    if is_partial(request):
        return render(request, "tasks/partials/refused.html", {"form": form}, status=422)
    return render(request, "tasks/list.html", list_context(request, form), status=422)


def _create(request: HttpRequest, form: QuickAddForm) -> Written:
    understood = _read_line(request, form.cleaned_data["title"], request.POST.getlist("keep"))
    given = understood.fields | form.task_fields(understood.fields["title"])
    if given.get("due_time"):
        given["timezone"] = str(zone_of(request))
    key = form.cleaned_data["idempotency_key"]
    return services.create_task(context(request), given, once=_once(key, form.cleaned_data) if key else None)


def _read_line(request: HttpRequest, line: str, keep: list[str]) -> quick_add.Parsed:
    return quick_add.parse(line, now_of(request), get_language() or "en", keep)


def _once(key: str, given: dict[str, Any]) -> Once:
    """Make the form's key good for one task: the same form with other content is another task."""
    digest = hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()
    return Once(f"web-{key}-{digest[:16]}", digest, lambda task: StoredReply(303, task.id))


def _added(request: HttpRequest, written: Written) -> HttpResponse:
    if not is_partial(request):
        return redirect(list_url(request))
    row = None
    with suppress(TaskNotFound):  # added by an earlier send of this form, and deleted since
        row = make_row(_whole(request, written), today_of(request))
    return render(request, "tasks/partials/added.html", {"row": row, "form": QuickAddForm.fresh()})


def _whole(request: HttpRequest, written: Written) -> TaskItem:
    if not written.replayed:
        return written.task
    return selectors.get_task(person_id(request), written.task.SK.removeprefix("TASK#"))


@page
@require_safe
def task_parse(request: HttpRequest) -> HttpResponse:
    """Say which parts of the line ``line`` are understood, for the page to mark while one types."""
    parsed = _read_line(request, request.GET.get("line", ""), request.GET.getlist("keep"))
    parts = [
        {
            "start": part.start,
            "end": part.end,
            "kind": part.kind,
            "text": part.text,
            "means": _means(request, part),
        }
        for part in parsed.parts
    ]
    return JsonResponse({"title": parsed.fields["title"], "parts": parts})


def _means(request: HttpRequest, part: Part) -> str:
    given = part.fields
    if part.kind == "priority":
        return str(PRIORITY_LABELS[given["priority"]])
    if part.kind == "repeat":
        return repeats.in_words(given["recurrence"])
    if part.kind == "date":
        if "due_date" not in given:
            return str(given["due_time"])
        return due_words(given["due_date"], given.get("due_time"), today_of(request))
    return str(given["category"] if part.kind == "category" else f"#{given['tags'][0]}")

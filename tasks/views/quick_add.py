"""The quick-add line: adds a task, and explains the line while it is being typed."""

import hashlib
import json
from contextlib import suppress
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from identity.sign_in import context
from store import text
from store.errors import ValidationFailed
from store.idempotency import Once, StoredReply
from tasks import ids, selectors, services
from tasks.errors import TaskNotFound
from tasks.forms import PRIORITY_LABELS, QuickAddForm
from tasks.items import TaskItem
from tasks.language import quick_add, rule_words
from tasks.language.quick_add import Part
from tasks.services import Written
from tasks.views.listing import render_list
from tasks.views.responses import is_partial, list_url, task_view
from tasks.views.rows import day_words, make_row
from tasks.views.viewer import now_of, person_id, today_of, zone_of


@task_view
@require_POST
def task_add(request: HttpRequest) -> HttpResponse:
    """Create a task from the quick-add line. Submitting the same form twice creates one task."""
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
    return render_list(request, form, status=422)


def _create(request: HttpRequest, form: QuickAddForm) -> Written:
    parsed = _parse(request, form.cleaned_data["title"], request.POST.getlist("keep"))
    given = parsed.fields | form.task_fields(parsed.fields["title"])
    if given.get("due_time"):
        given["timezone"] = str(zone_of(request))
    key = form.cleaned_data["idempotency_key"]
    return services.create_task(context(request), given, once=_once(key, form.cleaned_data) if key else None)


def _parse(request: HttpRequest, line: str, keep: list[str]) -> quick_add.Parsed:
    return quick_add.parse(line, now_of(request), get_language() or "en", keep)


def _once(key: str, given: dict[str, Any]) -> Once:
    """Return the idempotency key of the form and its content: the same form with other content is another task."""
    digest = hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()
    return Once(f"web-{key}-{digest[:16]}", digest, lambda task: StoredReply(303, task.id))


def _added(request: HttpRequest, written: Written) -> HttpResponse:
    if not is_partial(request):
        return redirect(list_url(request))
    row = None
    with suppress(TaskNotFound):  # created by an earlier submission of this form, and deleted since
        row = make_row(_task_of(request, written), now_of(request))
    return render(request, "tasks/partials/added.html", {"row": row, "form": QuickAddForm.empty()})


def _task_of(request: HttpRequest, written: Written) -> TaskItem:
    if not written.replayed:
        return written.task
    return selectors.get_task(person_id(request), ids.from_sort_key(written.task.SK))


@task_view
@require_safe
def task_parse(request: HttpRequest) -> HttpResponse:
    """Return which parts of ``line`` are understood and what they mean, for the page to mark while typing.

    Parts stand where they do in the ``line`` of the answer, which can be spelled with other characters.
    """
    line = text.canonical(text.shown(request.GET.get("line", "")))
    parsed = _parse(request, line, request.GET.getlist("keep"))
    parts = [
        {
            "start": part.start,
            "end": part.end,
            "kind": part.kind,
            "text": part.text,
            "means": _meaning(request, part),
        }
        for part in parsed.parts
    ]
    return JsonResponse({"title": parsed.fields["title"], "line": line, "parts": parts})


def _meaning(request: HttpRequest, part: Part) -> str:
    given = part.fields
    if part.kind == "priority":
        return str(PRIORITY_LABELS[given["priority"]])
    if part.kind == "repeat":
        words = rule_words.in_words(given["recurrence"], given.get("repeat_from"))
        return ", ".join(filter(None, [words, _when(request, given)]))
    if part.kind == "date":
        return _when(request, given)
    return str(given["category"] if part.kind == "category" else f"#{given['tags'][0]}")


def _when(request: HttpRequest, given: dict[str, Any]) -> str:
    day = day_words(date.fromisoformat(given["due_date"]), today_of(request)) if "due_date" in given else ""
    return f"{day} {given.get('due_time') or ''}".strip()

"""The snooze menu: moves one task, or the selected ones, to a day that is chosen or said in words.

Words are shown as they are understood before anything is saved: a button with the day comes back, and sends it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateformat import format as format_day
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from tasks import selectors, snooze
from tasks.items import TaskItem
from tasks.local_due import local_due
from tasks.snooze import NotUnderstood, When
from tasks.views import undo
from tasks.views.bulk import change_each, chosen
from tasks.views.responses import answer, is_partial, list_url, task_view
from tasks.views.rows import due_words, make_row
from tasks.views.viewer import now_of, person_id


@task_view
@require_http_methods(["GET", "HEAD", "POST"])
def task_snooze(request: HttpRequest) -> HttpResponse:
    """Show where the tasks ``ids`` can be moved, or what ``phrase`` means, or move them ``to`` a day."""
    posted = request.method == "POST"
    task_ids = chosen(request.POST if posted else request.GET)
    if not task_ids:
        return answer(request, _("Select some tasks first."), level="error")
    if not posted or not {"to", "phrase"} & request.POST.keys():
        return _menu(request, task_ids)
    try:
        when = _wanted(request)
    except NotUnderstood as error:
        return _menu(request, task_ids, error=str(error))
    # A button that shows what earlier words meant does not save other words.
    if request.POST.get("to") != when.value:
        return _menu(request, task_ids, when)
    if len(task_ids) > 1:
        response = change_each(request, task_ids, lambda task_id: _move(request, task_id, when)[1])
    else:
        response = _moved(request, *_move(request, task_ids[0], when))
    response["HX-Trigger"] = "tasks:snoozed"
    return response


def _wanted(request: HttpRequest) -> When:
    words = request.POST.get("phrase", "").strip()
    if words or "to" not in request.POST:
        return _read(request, words)
    try:
        return _read(request, request.POST["to"])
    except NotUnderstood as error:
        raise BadRequest(str(error)) from error


def _read(request: HttpRequest, words: str) -> When:
    return snooze.read(words, now_of(request), get_language() or "en")


def _move(request: HttpRequest, task_id: str, when: When) -> tuple[TaskItem, undo.Step | None]:
    before = selectors.get_task(person_id(request), task_id)
    return undo.update(request, before, snooze.changes(before, when, now_of(request)), int(before.version))


def _moved(request: HttpRequest, task: TaskItem, step: undo.Step | None) -> HttpResponse:
    day = due_words(task, now_of(request)) or _("no date")
    text = _("“%(title)s” is due: %(day)s") % {"title": task.title, "day": day}
    button = undo.button(request, [step])
    here = urlsplit(request.headers.get("hx-current-url", "")).path
    if is_partial(request) and here == reverse("task-list"):
        row = make_row(task, now_of(request))
        shown = {"task_id": task.id, "row": row, "text": text, "arrives": True, **button}
        return render(request, "tasks/partials/changed.html", shown)
    return answer(request, text, **button, back=request.POST.get("back", ""))


def _menu(
    request: HttpRequest, task_ids: Sequence[str], when: When | None = None, *, error: str = ""
) -> HttpResponse:
    task = selectors.get_task(person_id(request), task_ids[0]) if len(task_ids) == 1 else None
    now = now_of(request)
    shown = {
        "ids": task_ids,
        "task": task,
        "due": due_words(task, now) if task else "",
        "choices": [
            {"label": label, "value": choice.value, "day": _words(choice, task, now)}
            for label, choice in snooze.choices(now)
        ],
        "phrase": request.POST.get("phrase", ""),
        "back": list_url(request, request.POST.get("back", "")),
        "quick": is_partial(request),
        **_meaning(when, task, now, error),
    }
    template = "tasks/snooze.html"
    if shown["quick"]:
        template = f"tasks/partials/snooze{'_again' if request.method == 'POST' else ''}.html"
    return render(request, template, shown, status=422 if error else 200)


def _meaning(when: When | None, task: TaskItem | None, now: datetime, error: str = "") -> dict[str, Any]:
    return {"means": when and {"value": when.value, "day": _words(when, task, now)}, "error": error}


def _words(when: When, task: TaskItem | None, now: datetime) -> str:
    """Return the day and time that a task will be due, which may be the time it has."""
    if when.day is None:
        return ""
    if when.day == now.date() and when.time:
        return when.time
    pattern = _("D j M") if when.day.year == now.year else _("D j M Y")
    due = local_due(task.attribute_values, now.tzinfo) if task and not when.time and now.tzinfo else None
    return f"{format_day(when.day, pattern)} {when.time or (due.time if due else '')}".strip()


@task_view
@require_safe
def task_snooze_means(request: HttpRequest) -> HttpResponse:
    """Show what ``phrase`` means for the task ``ids``, as a button; nothing for a blank one."""
    task_ids, words = chosen(request.GET), request.GET.get("phrase", "")
    task = selectors.get_task(person_id(request), task_ids[0]) if len(task_ids) == 1 else None
    now = now_of(request)
    try:
        shown = _meaning(_read(request, words), task, now) if words.strip() else {}
    except NotUnderstood as error:
        shown = {"error": str(error)}
    return render(request, "tasks/partials/snooze_means.html", shown)

"""Undoing the last bulk action of an admin: what it takes is kept in their session for an hour."""

import secrets
import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity.audited_admin import admin_context
from store.errors import ValidationFailed, VersionConflict, WriteContention
from tasks import services
from tasks.errors import TaskNotFound

NAME, ACTION = "tasks_task_undo", "undo"
KEPT_SECONDS = 3600
MOST = 200  # tasks: as many as one list shows
_KEY = "admin_undo"
# Owner and id of a task, the version it was left at, and the fields that it had before.
Undoable = tuple[str, str, int, dict[str, Any]]


def offer(request: HttpRequest, done: str, steps: list[Undoable]) -> str:
    """Keep what it takes to undo an action, instead of the one before; return the address of the page that does it.

    ``done`` is what the action did, as a participle.
    """
    if not steps or len(steps) > MOST:
        return ""
    token = secrets.token_hex(8)
    request.session[_KEY] = {"token": token, "at": time.time(), "done": done, "steps": steps}
    return f"{reverse(f'admin:{NAME}')}?{urlencode({'of': token})}"


def page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask whether the last bulk action is to be undone; a POST does it."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    kept = request.session.get(_KEY) or {}
    current = kept.get("token") == request.GET.get("of") and time.time() - kept.get("at", 0) < KEPT_SECONDS
    following = reverse("admin:tasks_task_changelist")
    if not current:
        messages.error(request, _("This can no longer be undone."))
        return redirect(following)
    if request.method != "POST":
        return _question(model_admin, request, kept, following)
    del request.session[_KEY]
    left = sum(not _reverted(request, *step) for step in kept["steps"])
    if done := len(kept["steps"]) - left:
        text = ngettext(
            "Undone: %(count)d task is as it was", "Undone: %(count)d tasks are as they were", done
        )
        messages.success(request, text % {"count": done})
    if left:
        text = ngettext(
            "%(count)d task has changed since and was left as it is",
            "%(count)d tasks have changed since and were left as they are",
            left,
        )
        messages.error(request, text % {"count": left})
    keys = ",".join(f"{user_id}.{task_id}" for user_id, task_id, _version, _fields in kept["steps"])
    return redirect(f"{following}?{urlencode({'key__in': keys})}")


def _question(model_admin: Any, request: HttpRequest, kept: dict[str, Any], back: str) -> HttpResponse:
    number = len(kept["steps"])
    question = ngettext(
        "Undo what was done to %(number)d task?", "Undo what was done to %(number)d tasks?", number
    )
    note = _("They were: %(done)s. A task that has changed since stays as it is.") % {"done": kept["done"]}
    keys = [f"{user_id}.{task_id}" for user_id, task_id, _version, _fields in kept["steps"]]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question % {"number": number},
        "opts": model_admin.opts,
        "objects": list(model_admin.get_queryset(request).filter(pk__in=keys)),
        "note": note,
        "back": back,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, model_admin.action_template, context)


def _reverted(request: HttpRequest, user_id: str, task_id: str, version: int, fields: dict[str, Any]) -> bool:
    try:
        services.update_task(admin_context(request, user_id, ACTION), task_id, fields, if_version=version)
    except (TaskNotFound, VersionConflict, ValidationFailed, WriteContention):
        return False
    return True

"""One person's data, for a request of theirs: an admin makes the file in steps and hands it out, on the record."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from identity.audited_admin import admin_context
from identity.items import UserItem
from store.errors import DomainError
from store.request_context import RequestContext
from store.writing import write
from tasks.transfer import everything, export_jobs
from tasks.transfer.export_jobs import DONE, RUNNING, ExportItem
from todo_site.operations.person_pages import person_or_list, render

GATHER, HAND_OUT = "gather data", "download data"


def page(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask whether to make the file; each POST does a step, and the last one leads to the link (``download``)."""
    obj = person_or_list(model_admin, request, object_id)
    if isinstance(obj, HttpResponse):
        return obj
    if not model_admin.has_change_permission(request, obj):
        raise PermissionDenied
    profile = obj.as_item()
    if request.method == "POST":
        return _posted(request, profile)
    context = admin_context(request, obj.pk, GATHER)
    return render(
        model_admin,
        request,
        "data",
        title=gettext("Data of %(who)s") % {"who": obj},
        person=obj,
        export=_chosen(context, request.GET.get("id", "")),
        made=[one for one in export_jobs.list_exports(context) if one.format == everything.FORMAT],
    )


def _posted(request: HttpRequest, profile: UserItem) -> HttpResponse:
    here = reverse("admin:tasks_user_data", args=[profile.id])
    export_id = request.GET.get("id", "")
    try:
        if not export_id:
            context = admin_context(request, profile.id, GATHER)
            _record(context, profile)
            export_id = export_jobs.start(context, everything.FORMAT).known.id
        context = admin_context(request, profile.id, HAND_OUT)
        if "download" in request.POST:
            link = export_jobs.get_export(context, export_id).link
            if link:
                _record(context, profile)
                return redirect(link)
        else:
            export_jobs.step(context, export_id, read=lambda _reads: None)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(here)
    return redirect(f"{here}?id={export_id}")


def _record(context: RequestContext, profile: UserItem) -> None:
    write(context.trail(context, profile, profile) if context.trail else [])


def _chosen(context: RequestContext, export_id: str) -> dict[str, Any] | None:
    try:
        found: ExportItem = export_jobs.get_export(context, export_id)
    except DomainError:
        return None
    return {
        "id": found.id,
        "tasks": found.tasks,
        "bytes": found.bytes,
        "running": found.status == RUNNING,
        "done": found.status == DONE,
    }

"""Shared by the pages about a person, below those of the admin of users."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


def person_or_list(model_admin: Any, request: HttpRequest, object_id: str) -> Any:
    """Return the user, or the redirect to the list, with a message, if there is none."""
    obj = model_admin.get_object(request, object_id)
    if not model_admin.has_view_permission(request, obj):
        raise PermissionDenied
    return obj or model_admin._get_obj_does_not_exist_redirect(request, model_admin.opts, object_id)  # noqa: SLF001


def render(model_admin: Any, request: HttpRequest, template: str, **shown: Any) -> HttpResponse:
    """Return a page of the admin of users."""
    request.current_app = model_admin.admin_site.name
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, **shown}
    return TemplateResponse(request, f"admin/tasks/user/{template}.html", context)

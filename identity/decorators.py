"""Decorators of views: pages with forms, and who may see a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from identity import roles

View = Callable[..., HttpResponse]
Answer = TypeVar("Answer", bound=HttpResponseBase)


def _to_login(request: HttpRequest) -> HttpResponse:
    # The sign-in page must not replace a fragment: htmx sends the whole page there.
    fragment = request.headers.get("HX-Request") == "true"
    here = request.get_full_path() if request.method == "GET" and not fragment else ""
    query = QueryDict(mutable=True)
    if here and here != "/":
        query["next"] = here
    url = resolve_url(settings.LOGIN_URL) + (f"?{query.urlencode(safe='/')}" if query else "")
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if fragment else redirect(url)


def form_page(view: View) -> View:
    """Make ``view`` a page with a form: never cached, and posted values stay out of error reports."""
    guarded: View = never_cache(
        sensitive_post_parameters()(require_http_methods(["GET", "HEAD", "POST"])(view))
    )
    return guarded


def person_required(view: Callable[..., Answer]) -> Callable[..., Answer | HttpResponse]:
    """Show the page to signed-in people; send others to the sign-in page, and back afterwards."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Answer | HttpResponse:
        return view(request, *args, **kwargs) if request.user.is_authenticated else _to_login(request)

    return wrapped


def manager_required(view: View) -> View:
    """Show the page to managers and admins; answer others with 403 and the reason."""

    @wraps(view)
    @person_required
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not roles.refreshed(request).is_manager:
            raise PermissionDenied(
                _(
                    "Everybody's figures are for managers. Ask an administrator to add you to the managers group."
                )
            )
        return view(request, *args, **kwargs)

    return wrapped

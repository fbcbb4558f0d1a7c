"""Responses to requests that fail outside any view: a page, or problem+json under ``/api/``."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from web import problems


def _answer(request: HttpRequest, status: int, template: str, detail: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return problems.response(request, status, detail=detail)
    return render(request, template, {"detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: the request could not be understood."""
    return _answer(request, 400, "400.html", _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 with the message of the PermissionDenied."""
    return _answer(request, 403, "403.html", str(exception) or _("You are not allowed to see this."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404: there is no such page, or it belongs to somebody else."""
    return _answer(request, 404, "404.html", _("There is nothing here."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without details, which the log has under the same request id."""
    return _answer(
        request, 500, "500.html", _("Something went wrong on our side. Nothing you saved is lost.")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 for a form whose CSRF token is missing or stale."""
    return _answer(
        request,
        403,
        "403_csrf.html",
        _("This form is out of date. Go back, reload the page and send it again."),
    )


def not_here(request: HttpRequest) -> HttpResponse:
    """Answer 404. Names a URL that another URLconf serves, so that pages can link to it."""
    raise Http404


# The names under which Django looks for them in a URLconf.
handler400, handler403, handler404, handler500 = bad_request, permission_denied, page_not_found, server_error

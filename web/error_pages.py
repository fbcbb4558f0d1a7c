"""Responses to requests that fail outside any view: a page, or problem+json under ``/api/``."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from store.errors import DomainError
from web import problems


def _answer(request: HttpRequest, status: int, template: str, detail: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return problems.response(request, status, detail=detail)
    return render(request, template, {"detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: the request could not be understood; or 413: it has more than anybody needs."""
    if words := too_much(exception):
        return _answer(request, 413, "413.html", words)
    return _answer(request, 400, "400.html", _("The request could not be understood."))


def too_much(error: Exception) -> str:
    """Return what a request has too much of, if ``error`` says that; else nothing."""
    if isinstance(error, TooManyFieldsSent):
        text = _("The request has more than %(most)d fields or parameters. Send fewer.")
        return text % {"most": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}
    if isinstance(error, TooManyFilesSent):
        return _("The request has more than %(most)d files. Send fewer.") % {
            "most": settings.DATA_UPLOAD_MAX_NUMBER_FILES
        }
    if isinstance(error, RequestDataTooBig):
        text = _("The request is too large: at most %(most)d bytes are accepted.")
        return text % {"most": settings.MAX_BODY_BYTES}
    return ""


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with what the domain says of a request that it refuses."""
    shown = {"status": error.status, "detail": str(error)}
    answer = render(request, "refused.html", shown, status=error.status)
    for name, value in error.headers.items():
        answer[name] = value
    return answer


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

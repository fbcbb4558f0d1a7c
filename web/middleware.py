"""Middleware for every request: id and log line, common headers, body limit, slashes, URLs per prefix."""

import logging as stdlib_logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.shortcuts import render
from django.utils.translation import gettext as _

from store import attempts
from store.errors import DomainError
from store.steps import OutOfStepsError, Steps
from web import error_pages, logging, problems, request_log

GetResponse = Callable[[HttpRequest], HttpResponse]

_log = stdlib_logging.getLogger("todo_site.requests")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# A client never sees the response if the connection closes while it is still sending: read and discard up to this much.
_MAX_DRAINED = 16 * 1024 * 1024


class SlashMiddleware(CommonMiddleware):
    """Adds a missing slash to the address of a page. The API's have none, so a request to it looks at no page's URL."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        """Return whether only the address with a slash exists."""
        return not problems.is_for_api(request) and super().should_redirect_with_slash(request)


class RequestIdMiddleware:
    """Outermost: takes the caller's ``X-Request-ID`` or creates one, returns it, and logs the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        logging.request_id.set(request.request_id)  # type: ignore[attr-defined]
        logging.user_id.set("")
        with attempts.of_one_request():
            answer = _answer(request, self.get_response)
        problems.ensure_problem(request, answer)
        answer["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        answer["Permissions-Policy"] = _PERMISSIONS
        answer["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY
        if problems.is_for_api(request):
            if "Allow" in answer:
                answer["Allow"] = _allowed(answer["Allow"])
            answer.setdefault("Cache-Control", "no-store")
            if "json" in answer.get("Content-Type", ""):  # a browser that opens it shows nothing as a page
                answer.setdefault("Content-Disposition", 'attachment; filename="api.json"')
            for name, value in getattr(request, "rate_limit", {}).items():
                answer[name] = value
        _log_request(request, answer, time.perf_counter() - started)
        return answer


def _allowed(methods: str) -> str:
    """Return ``Allow`` with the methods that _answer adds to those of a view."""
    found = set(methods.split(", "))
    return ", ".join(sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())))


def _answer(request: HttpRequest, get_response: GetResponse) -> HttpResponse:
    """Answer a HEAD request to the API like a GET, without the body; and OPTIONS with the methods of the address."""
    if request.method == "OPTIONS" and problems.is_for_api(request):
        answer = get_response(request)
        if answer.status_code == 405:
            answer.status_code, answer.content = 204, b""
            del answer["Content-Type"], answer["Content-Length"]
        return answer
    if request.method != "HEAD" or not problems.is_for_api(request):
        return get_response(request)
    request.method = "GET"
    answer = get_response(request)
    request.method = "HEAD"
    length = answer.get("Content-Length", str(len(answer.content)))
    answer.content = b""
    answer["Content-Length"] = length
    return answer


def _log_request(request: HttpRequest, answer: HttpResponse, seconds: float) -> None:
    level = stdlib_logging.ERROR if answer.status_code >= 500 else stdlib_logging.INFO
    if not _log.isEnabledFor(level):
        return
    match = request.resolver_match
    # Static files change nothing: their message keeps them out of the request log that is shipped.
    is_file = match is None and answer.status_code < 400
    _log.log(
        level,
        "file" if is_file else "request",
        extra={
            "component": "api" if problems.is_for_api(request) else "web",
            "operation": f"{request.method} {match.route if match else ''}",
            "duration_ms": round(seconds * 1000, 2),
            "status": answer.status_code,
            "metadata": {} if is_file else request_log.metadata(request, answer),
        },
    )


class BodyLimitMiddleware:
    """Refuses what is larger than ``MAX_BODY_BYTES``, ``MAX_QUERY_BYTES`` or ``MAX_HEADER_BYTES`` before it is read.

    Stands after the language: what it says is for people, too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        length = _length(request)
        try:
            Steps(settings.MAX_BODY_BYTES).spend(length)
        except OutOfStepsError as error:
            _drain(request, length)
            text = _("The request has %(measured)d bytes, and at most %(most)d are accepted.")
            return _refuse(request, 413, text % {"measured": error.measured, "most": error.limit})
        if length == 0 and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            return _refuse(request, 411, _("Send the body with a Content-Length, not in chunks."))
        try:
            Steps(settings.MAX_QUERY_BYTES).spend(len(request.META.get("QUERY_STRING", "")))
        except OutOfStepsError as error:
            text = _("The address has %(measured)d bytes of parameters, and at most %(most)d are accepted.")
            return _refuse(request, 414, text % {"measured": error.measured, "most": error.limit})
        try:
            Steps(settings.MAX_HEADER_BYTES).spend(
                sum(len(n) + len(v) for n, v in request.META.items() if n.startswith("HTTP_"))
            )
        except OutOfStepsError as error:
            text = _("The request has %(measured)d bytes of headers, and at most %(most)d are accepted.")
            return _refuse(request, 431, text % {"measured": error.measured, "most": error.limit})
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    given = request.META.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isdecimal() and given.isascii() else 0


def _drain(request: HttpRequest, length: int) -> None:
    rest = min(length, _MAX_DRAINED)
    while rest > 0 and (read := len(request.read(min(rest, 64 * 1024)))):
        rest -= read


def _refuse(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if problems.is_for_api(request):
        return problems.response(request, status, detail=detail)
    return render(request, "413.html", {"detail": detail}, status=status)


class RefusalMiddleware:
    """Answers a page's request that the domain refuses, where the page has no words of its own, with what it says."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to a refusal; errors of ours go on to become a 500."""
        if isinstance(exception, DomainError) and exception.status < 500:
            return error_pages.refused(request, exception)
        return None


class PrefixUrlsMiddleware:
    """Uses the URLconf that ``settings.URLS_BY_PREFIX`` names for the beginning of the path, if any."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        for prefix, urls in settings.URLS_BY_PREFIX.items():
            if request.path_info.startswith(prefix):
                request.urlconf = urls
                break
        return self.get_response(request)

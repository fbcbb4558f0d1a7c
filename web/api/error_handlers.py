"""Converts exceptions to problems."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError

from store.errors import RETRY, DomainError, ValidationFailed
from store.outages import is_outage
from web import error_pages, problems

_log = logging.getLogger(__name__)
INVALID = "Some fields are not valid. `errors` lists them; correct them and send the request again."

Handler = Callable[[HttpRequest, Any], HttpResponse]


class RequestProblem(DomainError):  # noqa: N818
    """Raised by operations that refuse a request; answered as a problem with this status, code and detail."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.headers = status, kind, headers or {}


def install(api: NinjaAPI) -> None:
    """Answer every error of ``api`` with a problem."""
    add: Callable[[type[Exception], Handler], None] = api.add_exception_handler
    add(DomainError, _refused)
    add(AuthenticationError, lambda request, _: problems.sign_in_first(request))
    add(Http404, lambda request, _: problems.response(request, 404))
    for malformed in (BadRequest, SuspiciousOperation, UnreadablePostError):
        add(malformed, _malformed)
    for outage in (BotoCoreError, ClientError):
        add(outage, _outage)
    add(Exception, _failed)


def body_of(error: DomainError) -> dict[str, Any]:
    """Return the problem for ``error``, as a part of a response."""
    return problems.body(error.status, **_explanation(error))


def _explanation(error: DomainError) -> dict[str, Any]:
    if isinstance(error, ValidationFailed):
        return {"detail": INVALID, "kind": error.kind, "errors": error.errors}
    return {"detail": str(error), "kind": error.kind}


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    if error.status == DomainError.status:
        return _failed(request, error)
    return problems.response(request, error.status, headers=error.headers, **_explanation(error))


def _outage(request: HttpRequest, error: BotoCoreError | ClientError) -> HttpResponse:
    if not is_outage(error):  # to send it again would not help
        return _failed(request, error)
    _log.error("AWS call failed", exc_info=error)
    detail = "The data store cannot be reached. Nothing was changed unless you are told so; try again."
    return problems.response(request, 503, detail=detail, kind="unavailable", headers=RETRY)


def _malformed(request: HttpRequest, error: Exception) -> HttpResponse:
    words = error_pages.too_much(error)
    return problems.response(request, 413 if words else 400, detail=words)


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    _log.error("unhandled error", exc_info=error)
    return problems.response(request, 500)

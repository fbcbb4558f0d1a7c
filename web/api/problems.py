"""From what went wrong to the problem that is answered."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError

from identity.errors import IdentityUnavailable, InvalidToken
from tasks import errors as domain
from web import problems

_log = logging.getLogger(__name__)
_RETRY = {"Retry-After": "1"}
INVALID = "Some fields are not valid. `errors` lists them; correct them and send the request again."

Handler = Callable[[HttpRequest, Any], HttpResponse]


class RequestProblem(Exception):  # noqa: N818
    """An operation refuses the request: answered as a problem with this status, detail, kind and headers."""

    def __init__(
        self, status: int, detail: str, kind: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.headers = status, kind, headers


# Exception -> status, kind, headers. The exception's text is the detail.
_SIMPLE: dict[type[Exception], tuple[int, str, dict[str, str]]] = {
    domain.TaskNotFound: (404, "", {}),
    domain.ProfileNotFound: (404, "", {}),
    domain.AccessTokenNotFound: (404, "", {}),
    domain.CalendarFeedNotFound: (404, "", {}),
    domain.ShutOut: (401, "", {"WWW-Authenticate": f'{problems.CHALLENGE}, error="invalid_token"'}),
    domain.TooManyAccessTokens: (409, "too-many-access-tokens", {}),
    domain.VersionConflict: (412, "version-conflict", {}),
    domain.IdempotencyInFlight: (409, "idempotency-in-flight", _RETRY),
    domain.WriteContention: (409, "write-contention", _RETRY),
    domain.IdempotencyMismatch: (422, "idempotency-mismatch", {}),
    domain.InvalidCursor: (422, "invalid-cursor", {}),
    IdentityUnavailable: (503, "identity-unavailable", _RETRY),
}


def install(api: NinjaAPI) -> None:
    """Make every error of ``api`` a problem."""
    add: Callable[[type[Exception], Handler], None] = api.add_exception_handler
    for kind in _SIMPLE:
        add(kind, _simple)
    add(domain.ValidationFailed, _invalid)
    add(RequestProblem, _refused)
    add(InvalidToken, _unauthorized)
    add(AuthenticationError, lambda request, _: problems.sign_in_first(request))
    add(Http404, lambda request, _: problems.response(request, 404))
    for malformed in (BadRequest, SuspiciousOperation, UnreadablePostError):
        add(malformed, lambda request, _: problems.response(request, 400))
    for outage in (BotoCoreError, ClientError):
        add(outage, _outage)
    add(Exception, _failed)


def described(error: domain.DomainError) -> dict[str, Any]:
    """Return what the problem of ``error`` says, for an answer that holds several."""
    if isinstance(error, domain.ValidationFailed):
        return problems.described(422, INVALID, "validation", error.errors)
    status, kind, _ = _SIMPLE[type(error)]
    return problems.described(status, str(error), kind)


def _simple(request: HttpRequest, error: Exception) -> HttpResponse:
    status, kind, headers = _SIMPLE[type(error)]
    return problems.response(request, status, detail=str(error), kind=kind, headers=headers)


def _refused(request: HttpRequest, error: RequestProblem) -> HttpResponse:
    return problems.response(request, error.status, detail=str(error), kind=error.kind, headers=error.headers)


def _invalid(request: HttpRequest, error: domain.ValidationFailed) -> HttpResponse:
    return problems.response(request, 422, detail=INVALID, kind="validation", errors=error.errors)


def _unauthorized(request: HttpRequest, error: InvalidToken) -> HttpResponse:
    challenge = f'{problems.CHALLENGE}, error="invalid_token", error_description="{error}"'
    return problems.response(request, 401, detail=str(error), headers={"WWW-Authenticate": challenge})


def _outage(request: HttpRequest, error: Exception) -> HttpResponse:
    _log.error("AWS call failed", exc_info=error)
    detail = "The data store cannot be reached. Nothing was changed unless you are told so; try again."
    return problems.response(request, 503, detail=detail, kind="unavailable", headers=_RETRY)


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    _log.error("unhandled error", exc_info=error)
    return problems.response(request, 500)

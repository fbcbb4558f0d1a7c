"""The form of every error response of the API: RFC 9457 problem details."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from store.text import shown

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="todo"'
REFERENCE = "/api/docs/errors"  # the page that explains every code

# As RFC 9110 calls them; http.HTTPStatus of Python 3.11 and 3.12 still has older names.
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
# The code of a refusal that has no other: the status says all there is to say.
CODES = {
    400: "bad-request",
    403: "forbidden",
    404: "path-not-found",
    405: "method-not-allowed",
    411: "length-required",
    413: "request-too-large",
    414: "address-too-long",
    431: "headers-too-large",
    500: "internal-error",
}
DETAILS = {
    400: "The request could not be understood.",
    403: "You are not allowed to do this.",
    404: "There is nothing here.",
    405: "This method is not allowed here. The Allow header lists those that are.",
    500: "Something went wrong on our side. The request id helps us to find out what.",
}


def response(
    request: HttpRequest,
    status: int,
    *,
    detail: str = "",
    kind: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an error response for ``request``.

    Parameters
    ----------
    status
        The HTTP status code; its phrase is the title.
    detail
        Explanation for humans: what happened and what to do.
    kind
        The problem's ``code``: a stable name that clients act upon (``idempotency-mismatch``), and part of its type.
        ``CODES`` has those of statuses that need no other.
    errors
        The invalid fields, each with ``field``, ``message`` and ``code``.
    """
    content = _content(request, status, detail, kind, errors)
    return HttpResponse(content, status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


def body(
    status: int, detail: str = "", kind: str = "", errors: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the part of a problem that does not depend on the request; parameters as for ``response``."""
    code = kind or CODES.get(status) or CODES[400 if status < 500 else 500]
    problem: dict[str, Any] = {
        "type": f"urn:todo:problem:{code}",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": shown(detail) or DETAILS.get(status, HTTPStatus(status).description),
        "code": code,
        "docs": f"{settings.APP_URL}{REFERENCE}#{code}",
    }
    repeated = [{name: shown(str(value)) for name, value in error.items()} for error in errors]
    return problem | ({"errors": repeated} if errors else {})


def _content(
    request: HttpRequest,
    status: int,
    detail: str = "",
    kind: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    about = {
        "instance": shown(request.path[:500].encode("utf-8", "replace").decode()),
        "request_id": getattr(request, "request_id", ""),
    }
    problem = body(status, detail, kind, errors) | about
    return json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Return the 401 for a request without credentials."""
    detail = "Sign in, or send `Authorization: Bearer` with a Cognito token."
    return response(
        request, 401, detail=detail, kind="credentials-missing", headers={"WWW-Authenticate": CHALLENGE}
    )


def is_for_api(request: HttpRequest) -> bool:
    """Return whether the request gets problem details as errors."""
    path = request.path_info  # path_info lacks API Gateway's stage
    return path.startswith("/api/") or path == "/health"


def ensure_problem(request: HttpRequest, answer: HttpResponse) -> None:
    """Turn ``answer`` into a problem if it is an API error in another form, such as Django's 405."""
    if answer.status_code < 400 or answer.get("Content-Type") == CONTENT_TYPE or not is_for_api(request):
        return
    answer.content = _content(request, answer.status_code)
    answer["Content-Type"] = CONTENT_TYPE
    answer["Content-Length"] = str(len(answer.content))

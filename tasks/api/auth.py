"""Who calls: a Cognito token in ``Authorization: Bearer``, or the browser's session with a CSRF token."""

from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from tasks.api.errors import RequestProblem
from todo_site import logging
from todo_site.identity import tokens
from todo_site.identity.errors import InvalidToken
from todo_site.identity.users import Person

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Caller(HttpBearer):
    """The API's one authentication; it sets ``request.user``. No call to DynamoDB for a token, one for a session."""

    def __call__(self, request: HttpRequest) -> Person | None:
        """Return the caller, or None if nobody is signed in. Raises InvalidToken, IdentityUnavailable."""
        header = request.META.get("HTTP_AUTHORIZATION")
        return _by_session(request) if header is None else _by_token(request, header)

    def authenticate(self, request: HttpRequest, token: str) -> Person:
        """Return who ``token`` is about."""
        return tokens.person_of(token)


def _by_token(request: HttpRequest, header: str) -> Person:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("Send the token as `Authorization: Bearer <token>`.")
    person = tokens.person_of(token.strip())
    request.user = person  # type: ignore[assignment]
    logging.user_id.set(person.id)
    return person


def _by_session(request: HttpRequest) -> Person | None:
    if not request.user.is_authenticated:
        return None
    if request.method not in _SAFE and check_csrf(request) is not None:
        raise RequestProblem(403, "Send the page's CSRF token in the header X-CSRFToken.", "csrf")
    return request.user  # type: ignore[return-value]

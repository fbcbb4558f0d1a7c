"""Who calls, and whether they may: a token in ``Authorization: Bearer``, or the browser's session with a CSRF token."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from identity import allowance, cognito_tokens, workspace
from identity.errors import InvalidToken
from identity.users import Person
from web import logging
from web.api.error_handlers import RequestProblem

READ, WRITE = "read", "write"
EVERYTHING = frozenset({READ, WRITE})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was identified: the person, and what their credentials are good for."""

    person: Person
    scopes: frozenset[str] = EVERYTHING


# What a token starts with -> who it stands for (raises InvalidToken). Every other token is Cognito's.
IDENTIFIERS: dict[str, Callable[[str], Principal]] = {}


class Caller(HttpBearer):
    """The API's one authentication; it sets ``request.user``. No call to DynamoDB for a token, one for a session."""

    def __call__(self, request: HttpRequest) -> Person | None:
        """Return the caller, or None if nobody is signed in.

        Raises InvalidToken, IdentityUnavailable, TooManyRequests, and RequestProblem 403 (CSRF, scope).
        """
        header = request.META.get("HTTP_AUTHORIZATION")
        principal = _by_session(request) if header is None else _by_token(request, header)
        if principal is None:
            return None
        _check_scope(request, principal)
        counted = getattr(request, "looked_by", principal.person)
        allowance.begin(request, counted.id, settings.RATE_LIMIT_PER_MINUTE)
        return principal.person

    def authenticate(self, request: HttpRequest, token: str) -> Person:
        """Return who ``token`` is about."""
        return principal_of(token).person


def principal_of(token: str) -> Principal:
    """Return who a bearer token stands for. Raises InvalidToken, SignUpClosed, IdentityUnavailable."""
    for prefix, identify in IDENTIFIERS.items():
        if token.startswith(prefix):
            return identify(token)
    person = cognito_tokens.person_of(token)
    workspace.check_admitted(person)
    return Principal(person)


def _by_token(request: HttpRequest, header: str) -> Principal:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("Send the token as `Authorization: Bearer <token>`.")
    principal = principal_of(token.strip())
    request.user = principal.person  # type: ignore[assignment]
    logging.user_id.set(principal.person.id)
    return principal


def _by_session(request: HttpRequest) -> Principal | None:
    if not request.user.is_authenticated:
        return None
    if request.method not in _SAFE and check_csrf(request) is not None:
        raise RequestProblem(403, "csrf", "Send the page's CSRF token in the header X-CSRFToken.")
    return Principal(request.user)  # type: ignore[arg-type]


def _check_scope(request: HttpRequest, principal: Principal) -> None:
    needed = READ if request.method in _SAFE else WRITE
    if needed not in principal.scopes:
        challenge = f'Bearer realm="todo", error="insufficient_scope", scope="{needed}"'
        raise RequestProblem(
            403,
            "insufficient-scope",
            f"This token may not {needed}. Use one with the scope `{needed}`.",
            {"WWW-Authenticate": challenge},
        )

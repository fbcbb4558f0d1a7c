"""Signing in and out in the browser."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from identity import cognito, cognito_tokens, revocations, sessions, today, tries
from identity.cognito import Tokens
from identity.users import Anonymous, Person
from store.request_context import RequestContext
from web import logging

SESSION_KEY, FACTOR_KEY = "person", "second_factor"


def sign_in(request: HttpRequest, identifier: str, password: str) -> Person:
    """Sign somebody in: a new session key, a new CSRF token, and their profile if it is missing.

    Raises TooManyTries, and what ``cognito.sign_in`` raises.
    """
    with tries.counted(tries.visitor(request), tries.PASSWORD, identifier):
        issued = cognito.sign_in(identifier, password)
    return admit(request, issued)


def admit(request: HttpRequest, issued: Tokens, *, second_factor: bool = False) -> Person:
    """Begin the browser session of the person to whom Cognito has just issued tokens. Raises what ``begin`` raises."""
    return begin(request, cognito_tokens.person_of(issued.id_token), second_factor=second_factor)


def begin(request: HttpRequest, signed_in: Person, *, second_factor: bool = False) -> Person:
    """Begin the browser session of somebody who has just proved who they are, with a ``second_factor`` or without.

    Raises SignUpClosed for somebody who has signed up past the workspace's pages.
    """
    from identity import profiles, sign_ins, workspace  # here: the sign-in page does not need them

    workspace.check_admitted(signed_in)
    earlier = request.session.get(SESSION_KEY)
    if earlier and earlier["id"] != signed_in.id:
        request.session.flush()
    request.session[SESSION_KEY] = signed_in.to_session()
    request.session[FACTOR_KEY] = second_factor
    request.session["browser"] = request.headers.get("user-agent", "")[:200]
    request.session.cycle_key()  # stores it under a new key
    sessions.end_oldest(signed_in.id)
    rotate_token(request)
    request.user = signed_in  # type: ignore[assignment]
    logging.user_id.set(signed_in.id)
    if signed_in.id not in profiles.known:
        profiles.ensure_profile(context(request), profiles.described(signed_in))
    sign_ins.remember(context(request))
    return signed_in


def renew(request: HttpRequest) -> None:
    """Begin the session of the signed-in person anew: for who has just proved themselves and ended all others."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = request.session[SESSION_KEY] | {"issued_at": int(time.time())}
    rotate_token(request)


def sign_out(request: HttpRequest) -> None:
    """End the session; its key no longer works."""
    if "looking" in request.session:
        from identity import looking  # here: hardly anybody does

        looking.end(request, Person.from_session(request.session[SESSION_KEY]))
    request.session.flush()
    rotate_token(request)
    request.user = Anonymous()  # type: ignore[assignment]
    request.signed_out = True  # type: ignore[attr-defined]


def rename(request: HttpRequest, **names: str) -> None:
    """Change names of the signed-in person (``name``, ``email``, ``given_name`` …) in the session."""
    request.session[SESSION_KEY] = request.session[SESSION_KEY] | names


def person_in_session(request: HttpRequest) -> Person | Anonymous:
    """Return the person who is signed in according to the browser session."""
    stored = request.session.get(SESSION_KEY)
    if not stored:
        return Anonymous()
    found = Person.from_session(stored)
    if revocations.revoked(found, wait=False):  # a session begun while the others were ended
        request.session.flush()
        return Anonymous()
    if "looking" not in request.session:
        return found
    from identity import looking  # here: hardly anybody does

    return looking.seen_by(request, found)


def person(request: HttpRequest) -> Person:
    """Return the signed-in person of a request that has one."""
    return cast("Person", request.user)


def context(request: HttpRequest) -> RequestContext:
    """Return the context in which services carry out a signed-in person's request."""
    # Who brings a token has no browser, and gets the same whatever its cookies are.
    zone = None if "HTTP_AUTHORIZATION" in request.META else today.zone_of_browser(request)
    return replace(context_of(request, person(request).id), caller=person(request), zone=zone)


def context_of(request: HttpRequest, user_id: str) -> RequestContext:
    """Return the context of a request of somebody who has proved who they are without being signed in."""
    return RequestContext(
        user_id=user_id,
        updated_by=user_id,
        request_id=getattr(request, "request_id", ""),
        now=datetime.now(UTC),
    )

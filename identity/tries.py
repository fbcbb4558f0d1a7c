"""How often strangers may try: passwords, codes, and what makes us mail somebody, which counts for admins as well.

Each try is counted before it is made, for the account that it is about and for the network that it comes from. So no
number of tries at once passes a limit, and when the tries are used up, a right password is refused in the same words as
a wrong one. A try that succeeds is given back. An account that nobody has is counted like any other.

An account has one count, by its address, whichever of its names is typed. A user name is looked up, at the same price
and with the same answer whether anybody has it.

Strangers who try without end must not lock the owner out. A browser in which somebody has signed in before has a cookie
that says so (OWASP calls it a device cookie) and tries of its own, for all accounts that it knows together. Resetting
the password gives a browser this cookie, too. Direct calls to Cognito meet Cognito's own limits only.

The table knows accounts, networks and browsers by keyed digests alone. They expire, and belong to nobody's data.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse

from identity import directory, sealing, today
from identity.errors import ChallengeRequired, IdentityError, IdentityUnavailable, TooManyTries
from store import throttle
from store.request_context import RequestContext
from store.text import folded
from store.throttle import Limit
from web.client_address import network_of

# Tries of one kind about one account, or from a browser that is known: at once, and again in each such time.
ACCOUNT_MOST = 10
DEVICE_MOST = 10
TRY_SECONDS = 3600
# Mails to one address that strangers or admins cause.
MAILS_MOST = 6
MAIL_SECONDS = 6 * 3600
DAY_SECONDS = 24 * 3600
CODE_SECONDS = (
    120  # longer than Cognito takes a code of an app for: its 30 seconds, with a step before and after
)
# Accounts that a browser is known to.
KNOWN_MOST = 5
COOKIE, COOKIE_SECONDS = "device", 180 * DAY_SECONDS

PASSWORD, FACTOR, CONFIRMATION, RESET, PROOF, NEW_ADDRESS = (
    "password",
    "second-factor",
    "confirmation",
    "reset",
    "proof",
    "new-address",
)
_TYPED = (PASSWORD, RESET)  # about an account of which somebody typed the address or the user name
# After these nobody has learned anything: the password was right, or was not looked at.
_NOT_WRONG = (ChallengeRequired, IdentityUnavailable)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who tries: from which network, in a browser known to which accounts (their digests), in which time zone."""

    network: str
    device: str = ""
    known_to: Sequence[str] = ()
    zone: ZoneInfo | None = field(default=None, compare=False)


def visitor(request: HttpRequest) -> Visitor:
    """Return who sends a request."""
    device, known_to = _cookie(request)
    return Visitor(network_of(request), device, known_to, today.zone_of_browser(request))


def of_admin(ctx: RequestContext) -> Visitor:
    """Return an admin as somebody who causes mails, wherever they are."""
    return Visitor(f"admin {ctx.updated_by}")


def remember(request: HttpRequest, answer: HttpResponse, *names: str) -> None:
    """Let a browser whose user has just proved to own an account, of these names, have tries of its own for it."""
    device, known_to = _cookie(request)
    own = [_digest("account", folded(name)) for name in names if name]
    kept = [*own, *(digest for digest in known_to if digest not in own)][: 2 * KNOWN_MOST]
    sealed = sealing.seal(COOKIE, device or secrets.token_urlsafe(18), *kept)
    answer.set_cookie(
        COOKIE, sealed, max_age=COOKIE_SECONDS, secure=request.is_secure(), httponly=True, samesite="Lax"
    )


def _cookie(request: HttpRequest) -> tuple[str, list[str]]:
    values = sealing.unseal(COOKIE, request.COOKIES.get(COOKIE, ""), COOKIE_SECONDS)
    return (values[0], values[1:]) if values else ("", [])


@contextmanager
def counted(who: Visitor, kind: str, account: str) -> Iterator[None]:
    """Count what is done inside as a try of a ``kind`` about the account of that name, whether or not there is one.

    It is one unless it succeeds. Two requests to DynamoDB, and two more after a success; one to Cognito if a user name
    was typed. Raises TooManyTries, IdentityUnavailable.
    """
    taken = _take(who, _limits(who, kind, account))
    try:
        yield
    except _NOT_WRONG:
        _give_back(taken)
        raise
    _give_back(taken)


def _limits(who: Visitor, kind: str, account: str) -> Iterator[tuple[str, Limit]]:
    if _digest("account", folded(account)) in who.known_to:  # all of them share: their names need no look-up
        yield _digest(kind, "device", who.device), Limit(DEVICE_MOST, TRY_SECONDS)
        return
    if settings.TRIES_PER_NETWORK:  # first, so that it limits the look-ups as well
        yield _digest(kind, "network", who.network), Limit(settings.TRIES_PER_NETWORK, TRY_SECONDS)
    name = _address(account) if kind in _TYPED else folded(account)
    yield _digest(kind, "account", name), Limit(ACCOUNT_MOST, TRY_SECONDS)


def _address(name: str) -> str:
    """Return the address, folded, of the account that has this name; the name itself, folded, if it has none.

    Cognito has no user names of the form of an address, so such a name is one. Raises IdentityUnavailable.
    """
    typed = folded(name)
    try:
        validate_email(typed)
    except ValidationError:
        return folded(directory.address_behind(name)) or typed
    return typed


def used_up(account: str, code: str, *, now_used: bool) -> bool:
    """Return whether a code of an account's app has signed in before, within its lifetime.

    ``now_used``: it has just signed in, and is used up from now on. One or two requests to DynamoDB.
    """
    subject, limit = _digest("code", account, code), Limit(1, CODE_SECONDS)
    if throttle.take(subject, limit, time.time()):
        return True
    if not now_used:
        throttle.give_back(subject, limit)
    return False


def mail(who: Visitor, recipient: str) -> None:
    """Count a mail that somebody causes to an address, or to the account of that name, whether or not there is one.

    Up to three requests to DynamoDB; one to Cognito for a user name. Raises TooManyTries, IdentityUnavailable.
    """
    _take(who, _mail_limits(who, recipient))


def mails_left(who: Visitor, wanted: int) -> int:
    """Return how many of so many mails, each to somebody else, somebody may cause now. Up to two GetItems."""
    now = time.time()
    limits = (*_sent_by(who), *_sent_by_all())
    return min([wanted, *(throttle.left(subject, limit, now) for subject, limit in limits)])


def _mail_limits(who: Visitor, recipient: str) -> Iterator[tuple[str, Limit]]:
    yield from _sent_by(who)  # first, so that it limits the look-ups as well
    yield _digest("mail", "to", _address(recipient)), Limit(MAILS_MOST, MAIL_SECONDS)
    yield from _sent_by_all()


def _sent_by(who: Visitor) -> Iterator[tuple[str, Limit]]:
    if most := settings.MAILS_PER_NETWORK:
        if settings.MAILS_A_DAY:  # one network must not use up what there is for all
            most = min(most, max(1, settings.MAILS_A_DAY // 10))
        yield _digest("mail", "network", who.network), Limit(most, MAIL_SECONDS)


def _sent_by_all() -> Iterator[tuple[str, Limit]]:
    if settings.MAILS_A_DAY:  # half of them at once, and the other half comes back within the day
        yield _digest("mail", "all"), Limit(max(1, settings.MAILS_A_DAY // 2), DAY_SECONDS)


def _take(who: Visitor, limits: Iterator[tuple[str, Limit]]) -> dict[str, Limit]:
    """Use up one try of each limit, or none and raise TooManyTries."""
    taken: dict[str, Limit] = {}
    now = time.time()
    try:
        for subject, limit in limits:
            if seconds := throttle.take(subject, limit, now):
                raise TooManyTries(seconds, now + seconds, who.zone)
            taken[subject] = limit
    except IdentityError:
        _give_back(taken)
        raise
    return taken


def _give_back(taken: dict[str, Limit]) -> None:
    for subject, limit in taken.items():
        throttle.give_back(subject, limit)


def _digest(*parts: str) -> str:
    key = f"identity.tries.{settings.SECRET_KEY}".encode()
    return hmac.new(key, "\0".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

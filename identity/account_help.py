"""What admins do for people who cannot get in: invite them, send an invitation or a code again, reset a password.

Each sends an e-mail, which counts like one that a stranger causes (``tries.mail``): for the address, for the admin, and
for all. Each is recorded before it is done.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity import accounts, administration, directory, tries
from identity.administration import Refused
from identity.errors import IdentityError, TooManyTries
from identity.fields import PROFILE_CHANGES
from identity.items import UserItem, folded_address
from store import validation
from store.errors import DomainError, ValidationFailed
from store.request_context import RequestContext
from store.writing import write

# Each invitation takes some calls to Cognito, and all of them must fit into one request.
MOST_INVITED = 25
INVITED, UNCONFIRMED = "FORCE_CHANGE_PASSWORD", "UNCONFIRMED"
RESEND, CONFIRM, RESET = "resend invitation", "resend confirmation", "reset password"
_NAMED = re.compile(r"[^<>]*<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Addresses:
    """What was pasted: e-mail addresses, each once, and what is no address."""

    valid: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invited:
    """The outcome for one address: the new profile, or why there is none."""

    email: str
    profile: UserItem | None = None
    problem: str = ""


def offered(account: directory.Account) -> tuple[str, ...]:
    """Return what can be sent to the owner of an account."""
    if not account.enabled:
        return ()
    return {INVITED: (RESEND,), UNCONFIRMED: (CONFIRM,)}.get(account.status, (RESET,))


def send(ctx: RequestContext, profile: UserItem, what: str) -> None:
    """Send ``what`` (RESEND, CONFIRM or RESET) to the owner of a profile, on the record.

    A reset makes their password useless at once; what they are signed in with ends when they set a new one.
    Raises Refused.
    """
    try:
        account = directory.account(profile.username)
    except IdentityError as error:
        raise Refused(str(error)) from error
    if what not in offered(account):
        raise Refused(_("That cannot be sent to an account in this state."))
    if not profile.email:
        raise Refused(_("The profile has no e-mail address."))
    _count(ctx, profile.email)
    write(ctx.trail(ctx, profile, profile) if ctx.trail else [])
    ways: dict[str, Callable[[str], None]] = {
        RESEND: directory.invite_again,
        CONFIRM: accounts.confirm_again,
        RESET: directory.reset_password,
    }
    try:
        ways[what](profile.username)
    except IdentityError as error:
        raise Refused(str(error)) from error


def check_mails(ctx: RequestContext, wanted: int) -> None:
    """Raise Refused if this admin may not cause so many mails now."""
    left = tries.mails_left(tries.of_admin(ctx), wanted)
    if left < wanted:
        text = ngettext(
            "You may send %(left)d more e-mail for now.", "You may send %(left)d more e-mails for now.", left
        )
        raise Refused(text % {"left": left})


def _count(ctx: RequestContext, email: str) -> None:
    try:
        tries.mail(tries.of_admin(ctx), email)
    except TooManyTries as error:
        text = ngettext(
            "No more e-mails can be sent to this person, or by you, for now. Try again in %(minutes)d minute.",
            "No more e-mails can be sent to this person, or by you, for now. Try again in %(minutes)d minutes.",
            error.minutes,
        )
        raise Refused(text % {"minutes": error.minutes}) from error


def addresses_in(text: str) -> Addresses:
    """Return the addresses in a text, one a line or between commas and semicolons, with or without names."""
    valid: dict[str, str] = {}
    wrong = []
    for part in re.split(r"[,;\r\n]", text):
        given = part.strip()
        named = _NAMED.fullmatch(given)
        try:
            email = validation.clean(PROFILE_CHANGES, {"email": named[1] if named else given})["email"]
        except ValidationFailed:
            wrong.append(given)
            continue
        if email:
            valid.setdefault(folded_address(email), email)
    return Addresses(tuple(valid.values()), tuple(wrong))


def invite(
    ctx: RequestContext, addresses: tuple[str, ...], groups: frozenset[str] = frozenset()
) -> Iterator[Invited]:
    """Create an account for each address, which Cognito mails to its owner. Raises Refused if they are too many.

    Inviting the same addresses again invites nobody twice: who has an account is left alone.
    """
    if len(addresses) > MOST_INVITED:
        raise Refused(_("At most %(most)d people can be invited at once.") % {"most": MOST_INVITED})
    check_mails(ctx, len(addresses))
    return (_invited(ctx, email, groups) for email in addresses)


def _invited(ctx: RequestContext, email: str, groups: frozenset[str]) -> Invited:
    try:
        return Invited(email, administration.create_user(ctx, {"email": email}, groups))
    except ValidationFailed as error:
        return Invited(email, problem="; ".join(found["message"] for found in error.errors))
    except DomainError as error:
        return Invited(email, problem=str(error))

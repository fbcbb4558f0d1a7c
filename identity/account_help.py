"""What admins do for people who cannot get in: invite them, send an invitation or a code again, reset a password.

Each sends an e-mail, so each is limited: ``MAX_MAILS_TO_ONE`` a day to one person, ``MAX_MAILS_BY_ONE`` a day by one
admin. The audit trail, in which each is recorded before it is done, is what they are counted by.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity import accounts, administration, directory, tries
from identity.administration import Refused
from identity.errors import IdentityError
from identity.fields import PROFILE_CHANGES
from identity.items import UserItem, folded_address
from store import audit, validation
from store.audit import AuditItem
from store.errors import DomainError, ValidationFailed
from store.request_context import RequestContext, timestamp
from store.writing import write

MAX_MAILS_TO_ONE, MAX_MAILS_BY_ONE = 5, 100
DAY = timedelta(days=1)
# Each invitation takes some calls to Cognito, and all of them must fit into one request.
MOST_INVITED = 25
INVITED, UNCONFIRMED = "FORCE_CHANGE_PASSWORD", "UNCONFIRMED"
INVITE, RESEND, CONFIRM, RESET = "add", "resend invitation", "resend confirmation", "reset password"
_NAMED = re.compile(r"[^<>]*<([^<>]*)>")
MAILED = frozenset({INVITE, RESEND, CONFIRM, RESET})


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
    check_limits(ctx, profile)
    write(ctx.trail(ctx, profile, profile) if ctx.trail else [])
    ways: dict[str, Callable[[str], None]] = {
        RESEND: directory.invite_again,
        CONFIRM: partial(accounts.resend, tries.of_admin(ctx), email=profile.email),
        RESET: directory.reset_password,
    }
    try:
        ways[what](profile.username)
    except IdentityError as error:
        raise Refused(str(error)) from error


def check_limits(ctx: RequestContext, profile: UserItem | None = None, wanted: int = 1) -> None:
    """Raise Refused if so many more mails would be too many, to the owner of ``profile`` or by this admin."""
    since = timestamp(ctx.now - DAY)
    if profile is not None and _mails(audit.history("user", profile.id), since) + wanted > MAX_MAILS_TO_ONE:
        text = _("%(most)d e-mails were sent to this person within a day, which is the limit. Wait a day.")
        raise Refused(text % {"most": MAX_MAILS_TO_ONE})
    sent = _mails(audit.by_actor(ctx.updated_by, limit=5 * MAX_MAILS_BY_ONE), since)
    if sent + wanted > MAX_MAILS_BY_ONE:
        left = max(0, MAX_MAILS_BY_ONE - sent)
        text = ngettext(
            "You may send %(left)d more e-mail today.", "You may send %(left)d more e-mails today.", left
        )
        raise Refused(text % {"left": left})


def _mails(entries: list[AuditItem], since: str) -> int:
    return sum(
        entry.kind == "user" and entry.action in MAILED and entry.created_at >= since for entry in entries
    )


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
    check_limits(ctx, wanted=len(addresses))
    return (_invited(ctx, email, groups) for email in addresses)


def _invited(ctx: RequestContext, email: str, groups: frozenset[str]) -> Invited:
    try:
        return Invited(email, administration.create_user(ctx, {"email": email}, groups))
    except ValidationFailed as error:
        return Invited(email, problem="; ".join(found["message"] for found in error.errors))
    except DomainError as error:
        return Invited(email, problem=str(error))

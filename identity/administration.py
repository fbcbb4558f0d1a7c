"""Admins manage people: accounts in Cognito and profiles in the table, kept together.

Cognito takes part in no transaction. The table is written first where that alone already shuts people out (the
revocation, with the audit entry), and last where Cognito decides (whether an e-mail address is free); a request that
dies in between leaves something that doing it again completes.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from identity import (
    access_tokens,
    directory,
    email_addresses,
    last_admin,
    notices,
    recovery_codes,
    revocations,
    roles,
    sessions,
    tries,
    workspace,
)
from identity.errors import AccountMissing, EmailTaken, IdentityError, WrongCode
from identity.fields import PROFILE_CHANGES
from identity.items import UserItem, calendar_feed_key, folded_address
from identity.profiles import ensure_profile, get_profile, save_profile
from identity.users import ADMINS, ROLES
from store import validation
from store.errors import DomainError, FieldError, ValidationFailed
from store.request_context import RequestContext
from store.text import canonical
from store.writing import Action, remove, write


class Refused(DomainError):  # noqa: N818
    """It cannot be done; ``str()`` of it is fit for the admin."""


def _taken() -> ValidationFailed:
    return ValidationFailed([FieldError(field="email", message=str(EmailTaken.message), code="taken")])


def create_user(ctx: RequestContext, given: Mapping[str, Any], groups: frozenset[str]) -> UserItem:
    """Create an account, which Cognito invites by e-mail, and its profile. ``ctx.user_id`` is ignored.

    Raises ValidationFailed, TooManyTries, Refused.
    """
    values = validation.clean(PROFILE_CHANGES, given)
    if not values.get("email"):
        raise ValidationFailed([FieldError(field="email", message="This field is required.", code="missing")])
    tries.mail(tries.of_admin(ctx), values["email"])
    values.setdefault("timezone", workspace.current().timezone or None)
    username = values.get("username") or f"user-{uuid.uuid4().hex[:12]}"
    _reserve(ctx, values["email"], f"new:{ctx.request_id}")
    try:
        user_id = directory.create(username, _attributes(values))
    except EmailTaken:
        email_addresses.release_email(values["email"])
        raise _taken() from None
    except IdentityError as error:
        email_addresses.release_email(values["email"])
        raise Refused(str(error)) from error
    whose = replace(ctx, user_id=user_id)
    profile = {**values, "username": username, "roles": sorted(groups) or None}
    keep = email_addresses.keep_email(whose, values["email"], user_id)
    # The owner may have signed in meanwhile, which makes a profile.
    made = save_profile(whose, profile, initial={}, read=[None], more=[keep]).profile
    if groups:
        _in_cognito(lambda: directory.set_groups(username, groups, frozenset(ROLES)))
    return made


def _attributes(values: Mapping[str, Any]) -> dict[str, str]:
    names = ("email", "name", "given_name", "family_name")
    return {name: str(values[name]) for name in names if values.get(name)}


def _reserve(ctx: RequestContext, email: str, owner: str) -> None:
    try:
        held = [holder for holder in directory.holders_of(email) if holder.id != owner]
    except IdentityError as error:
        raise Refused(str(error)) from error
    if held or not email_addresses.reserve_email(ctx, email, owner):
        raise _taken()


def _change_profile(
    ctx: RequestContext, before: UserItem, changes: Mapping[str, Any], *more: Action
) -> UserItem:
    """Change a profile that is still at the version of ``before``. Raises VersionConflict, WriteContention."""
    return save_profile(ctx, changes, read=[before], if_version={before.version}, more=more).profile


def change_user(ctx: RequestContext, before: UserItem, changes: Mapping[str, Any]) -> UserItem:
    """Change fields of a profile that is in the state ``before``; an e-mail address changes in Cognito too.

    Raises ValidationFailed, VersionConflict, WriteContention, Refused.
    """
    wanted = validation.clean(PROFILE_CHANGES, changes)
    email = wanted.get("email")
    if canonical(wanted.pop("username", before.username)) != canonical(before.username):
        message = "People sign in by it; it cannot be changed."
        raise ValidationFailed([FieldError(field="username", message=message, code="immutable")])
    if not email or folded_address(email) == folded_address(before.email or ""):
        return _change_profile(ctx, before, wanted)
    return _change_email(ctx, before, wanted, email)


def _change_email(ctx: RequestContext, before: UserItem, wanted: Mapping[str, Any], email: str) -> UserItem:
    _reserve(ctx, email, ctx.user_id)
    try:
        changed = _move(
            ctx,
            before,
            wanted,
            email,
            lambda: directory.ignoring(
                AccountMissing, lambda: directory.change_email(before.username, email)
            ),
        )
    except IdentityError as error:
        raise (_taken() if isinstance(error, EmailTaken) else Refused(str(error))) from error
    if before.email:
        notices.tell(ctx.user_id, before.username, notices.ADDRESS, address=before.email)
    return changed


def take_address(
    ctx: RequestContext, before: UserItem, email: str, in_cognito: Callable[[], None]
) -> UserItem:
    """Give somebody the address that they have just shown to read, and end what was issued to them before.

    ``in_cognito`` makes Cognito do it, if the code was right. Access tokens and calendar stay. Raises what it raises,
    WrongCode for an address that is kept for somebody else, Refused, VersionConflict.
    """
    if not email_addresses.reserve_email(ctx, email, ctx.user_id):
        raise WrongCode
    changed = _move(ctx, before, {"email": email}, email, in_cognito, _revocation(ctx, False))
    _end_issued(ctx, lambda: directory.sign_out(before.username), wholly=False)
    return changed


def _move(
    ctx: RequestContext,
    before: UserItem,
    wanted: Mapping[str, Any],
    email: str,
    in_cognito: Callable[[], Any],
    *more: Action,
) -> UserItem:
    """Change a reserved e-mail address in Cognito and then in the profile; in neither if one of them refuses."""
    earlier = before.email or ""
    try:
        in_cognito()
    except IdentityError:
        email_addresses.release_email(email)
        raise
    try:
        changed = _change_profile(
            ctx, before, wanted, email_addresses.keep_email(ctx, email, ctx.user_id), *more
        )
    except DomainError:
        if earlier:
            directory.ignoring(AccountMissing, lambda: directory.change_email(before.username, earlier))
        email_addresses.release_email(email)
        raise
    if earlier:
        email_addresses.release_email(earlier)
    return changed


def disable_user(ctx: RequestContext, before: UserItem) -> UserItem:
    """Shut somebody out at once: no sign-in, no session, no token issued so far, no calendar feed.

    Raises Refused, VersionConflict.
    """
    disabled_at = before.disabled_at or ctx.timestamp
    with _an_admin_stays(ctx, before.username):
        changed = _change_profile(ctx, before, {"disabled_at": disabled_at}, _revocation(ctx, True))
        _end_issued(ctx, lambda: directory.disable(before.username), wholly=True)
    return changed


def remove_account(ctx: RequestContext, username: str = "") -> None:
    """Delete the account of ``ctx.user_id``, and end all that was issued to it. Raises Refused.

    ``username`` is as of ``directory.accounts_of``.
    """
    try:
        for account in directory.accounts_of(ctx.user_id, username):
            with _an_admin_stays(ctx, account, own=True):
                directory.delete(account)
    except IdentityError as error:
        raise Refused(str(error)) from error
    _end_sessions(ctx, wholly=True)
    access_tokens.forget()


def enable_user(ctx: RequestContext, before: UserItem) -> UserItem:
    """Let somebody in again; they have to sign in. Raises Refused, VersionConflict."""
    changed = _change_profile(ctx, before, {"disabled_at": None})
    _in_cognito(lambda: directory.enable(before.username))
    return changed


def sign_out_everywhere(ctx: RequestContext, before: UserItem) -> UserItem:
    """End every session and Cognito token of somebody; they may sign in again. Their access tokens stay.

    Raises Refused, VersionConflict.
    """
    changed = _change_profile(ctx, before, {}, _revocation(ctx, False))
    _end_issued(ctx, lambda: directory.sign_out(before.username), wholly=False)
    return changed


def password_changed(ctx: RequestContext, username: str, *, wholly: bool) -> None:
    """End what was issued to somebody who has a new password, so that no thief of the old one stays in.

    That is every session and Cognito token; ``wholly``: the access tokens and the address of the calendar too.
    Tells them by e-mail. Raises Refused.
    """
    try:
        write([_revocation(ctx, wholly)])
        _end_issued(ctx, lambda: directory.sign_out(username), wholly=wholly)
    finally:
        notices.tell(ctx.user_id, username, notices.PASSWORD)


def remove_second_factor(ctx: RequestContext, before: UserItem) -> UserItem:
    """Let somebody sign in with their password alone, who has lost the app and the recovery codes.

    Raises Refused, VersionConflict.
    """
    changed = _change_profile(ctx, before, {})
    _in_cognito(lambda: directory.prefer_totp(before.username, wanted=False))
    recovery_codes.forget(ctx.user_id)
    notices.tell(ctx.user_id, before.username, notices.FACTOR_REMOVED)
    return changed


def change_groups(ctx: RequestContext, before: UserItem, groups: frozenset[str]) -> UserItem:
    """Give somebody other roles. Raises Refused, VersionConflict.

    Their browsers know at once, and everything they may do or not follows within ``GROUPS_SECONDS``.
    """
    with nullcontext() if ADMINS in groups else _an_admin_stays(ctx, before.username):
        changed = _change_profile(ctx, before, {"roles": sorted(groups) or None})
        _in_cognito(lambda: directory.set_groups(before.username, groups, frozenset(ROLES)))
    roles.groups.forget(before.username)
    sessions.revise(ctx.user_id, lambda data: _with_groups(data, groups))
    return changed


def person_with_email(email: str) -> directory.Account:
    """Return the one account that has proved this e-mail address. Raises Refused, IdentityUnavailable."""
    found = directory.holders_of(email, verified=True)
    if len(found) > 1:
        names = ", ".join(sorted(account.username for account in found))
        raise Refused(f"{len(found)} accounts have the address {email}: {names}. Delete all but one.")
    if not found:
        unproved = "; an account has it, but has not confirmed it yet" if directory.holders_of(email) else ""
        raise Refused(f"Nobody has the address {email}{unproved}. Sign up with it first.")
    (account,) = found
    if not account.enabled:
        raise Refused(f"The account of {email} is disabled.")
    return account


def change_role(
    ctx: RequestContext, account: directory.Account, email: str, role: str, *, given: bool
) -> bool:
    """Give the account of ``ctx.user_id`` a role or take it back; return whether that changed anything.

    Somebody who has not signed in yet gets a profile. Raises as ``change_groups``, and IdentityUnavailable.
    """
    present = directory.groups_of(account.username)
    if (role in present) == given:
        return False
    profile = get_profile(ctx.user_id)
    if profile is None:  # which is on nobody's trail, as when they sign in
        given_names = {"username": account.username, "email": email}
        profile, _ = ensure_profile(replace(ctx, trail=None), given_names)
    change_groups(ctx, profile, (present | {role} if given else present - {role}) & frozenset(ROLES))
    return True


def _with_groups(session: dict[str, Any], groups: frozenset[str]) -> dict[str, Any]:
    person = session["person"]
    others = frozenset(person["groups"]).difference(ROLES)
    return {**session, "person": {**person, "groups": sorted(groups | others)}}


def check_an_admin_stays(username: str) -> None:
    """Check that an account can go, before anything is done. Raises Refused if it is the last admin's."""
    try:
        if last_admin.is_admin(username) and not last_admin.others(username):
            raise Refused(
                gettext("This is the last admin who can sign in. Make somebody else an admin first.")
            )
    except IdentityError as error:
        raise Refused(str(error)) from error


@contextmanager
def _an_admin_stays(ctx: RequestContext, username: str, *, own: bool = False) -> Iterator[None]:
    """Do what ends somebody's role as an admin, unless they are the last one.

    ``own``: whether admins may do it to themselves. Raises Refused, WriteContention.
    """
    try:
        if not last_admin.is_admin(username):
            yield
            return
        if ctx.updated_by == ctx.user_id and not own:
            raise Refused(gettext("You cannot take away your own admin role. Ask another admin."))
        with last_admin.turn():
            check_an_admin_stays(username)
            yield
    except IdentityError as error:
        raise Refused(str(error)) from error


def _revocation(ctx: RequestContext, wholly: bool) -> Action:
    return revocations.record(ctx.user_id, ctx.request_id, ctx.now.timestamp(), wholly=wholly)


def _end_issued(ctx: RequestContext, in_cognito: Callable[[], None], *, wholly: bool) -> None:
    """End what a revocation that is stored already covers; ``in_cognito`` makes it issue no more for the old."""
    if wholly:
        remove(calendar_feed_key(ctx.user_id))
        access_tokens.revoke_all(ctx.user_id)
    _in_cognito(in_cognito)
    _end_sessions(ctx, wholly=wholly)
    if wholly:  # those made meanwhile
        access_tokens.revoke_all(ctx.user_id)


def _end_sessions(ctx: RequestContext, *, wholly: bool) -> None:
    """End what was issued until now: Cognito issues nothing more, so this is final."""
    write([revocations.record(ctx.user_id, ctx.request_id, time.time(), wholly=wholly)])
    revocations.cached.forget()
    sessions.end_all(ctx.user_id)


def _in_cognito(do: Any) -> None:
    try:
        directory.ignoring(AccountMissing, do)
    except IdentityError as error:
        raise Refused(f"Recorded, but not done by the sign-in service yet; do it again. {error}") from error

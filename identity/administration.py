"""What admins do to people: accounts in Cognito and profiles in the table, kept together.

Cognito takes part in no transaction. The table is written first where that alone already shuts people out (the
revocation, with the audit entry), and last where Cognito decides (whether an e-mail address is free); a request that
dies in between leaves something that doing it again completes.
"""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from identity import access_tokens, directory, preferences, profiles, revocations, roles, sessions
from identity.errors import AccountMissing, EmailTaken, IdentityError
from identity.users import ROLES
from store import calls
from store.context import RequestContext
from tasks import administration, calendar_feed, fields
from tasks.errors import DomainError, FieldError, ValidationFailed

Values = dict[str, Any]


class Refused(DomainError):  # noqa: N818
    """It cannot be done; ``str()`` of it is fit for the admin."""


def _taken() -> ValidationFailed:
    return ValidationFailed([FieldError(field="email", message=str(EmailTaken.message), code="taken")])


def create_user(ctx: RequestContext, given: Mapping[str, Any], groups: frozenset[str]) -> Values:
    """Create an account, which Cognito invites by e-mail, and its profile. ``ctx.user_id`` is not looked at.

    Raises ValidationFailed, Refused.
    """
    values = fields.clean(fields.PROFILE_CHANGES, given)
    if not values.get("email"):
        raise ValidationFailed([FieldError(field="email", message="This field is required.", code="missing")])
    username = values.get("username") or f"user-{uuid.uuid4().hex[:12]}"
    token = f"new:{ctx.request_id}"
    _reserve(ctx, values["email"], token)
    try:
        user_id = directory.create(username, _attributes(values))
    except EmailTaken:
        administration.release_email(values["email"])
        raise _taken() from None
    except IdentityError as error:
        administration.release_email(values["email"])
        raise Refused(str(error)) from error
    whose = RequestContext(user_id, ctx.updated_by, ctx.request_id, ctx.now, trail=ctx.trail)
    profile = profiles.new_profile(whose, {**values, "username": username, "roles": sorted(groups) or None})
    made = administration.add_profile(
        whose, profile, [administration.keep_email(whose, values["email"], user_id)]
    )
    if groups:
        _in_cognito(lambda: directory.set_groups(username, groups, frozenset(ROLES)))
    return made


def _attributes(values: Mapping[str, Any]) -> dict[str, str]:
    names = ("email", "name", "given_name", "family_name")
    return {name: str(values[name]) for name in names if values.get(name)}


def _reserve(ctx: RequestContext, email: str, owner: str) -> None:
    try:
        held = [holder for holder in directory.holders_of(email) if holder != owner]
    except IdentityError as error:
        raise Refused(str(error)) from error
    if held or not administration.reserve_email(ctx, email, owner):
        raise _taken()


def change_user(ctx: RequestContext, before: Values, changes: Mapping[str, Any]) -> Values:
    """Change fields of a profile that is in the state ``before``; an e-mail address changes in Cognito too.

    Raises ValidationFailed, VersionConflict, WriteContention, Refused.
    """
    wanted = fields.clean(fields.PROFILE_CHANGES, changes)
    email = wanted.get("email")
    if "username" in wanted and wanted["username"] != before.get("username"):
        message = "People sign in by it; it cannot be changed."
        raise ValidationFailed([FieldError(field="username", message=message, code="immutable")])
    if not email or email.casefold() == before.get("email", "").casefold():
        return administration.change_profile(ctx, before, wanted, [])
    return _change_email(ctx, before, wanted, email)


def _change_email(ctx: RequestContext, before: Values, wanted: Values, email: str) -> Values:
    _reserve(ctx, email, ctx.user_id)
    earlier = before.get("email", "")
    try:
        directory.ignoring(AccountMissing, lambda: directory.change_email(before["username"], email))
    except IdentityError as error:
        administration.release_email(email)
        raise (_taken() if isinstance(error, EmailTaken) else Refused(str(error))) from error
    try:
        keep = administration.keep_email(ctx, email, ctx.user_id)
        changed = administration.change_profile(ctx, before, wanted, [keep])
    except DomainError:
        directory.ignoring(AccountMissing, lambda: directory.change_email(before["username"], earlier))
        administration.release_email(email)
        raise
    if earlier:
        administration.release_email(earlier)
    return changed


def disable_user(ctx: RequestContext, before: Values) -> Values:
    """Shut somebody out at once: no sign-in, no session, no token issued so far, no calendar feed.

    Raises Refused, VersionConflict.
    """
    changed = administration.change_profile(
        ctx, before, {"disabled_at": before.get("disabled_at") or ctx.timestamp}, [_revocation(ctx, True)]
    )
    calendar_feed.remove(ctx.user_id)
    access_tokens.revoke_all(ctx.user_id)
    _in_cognito(lambda: directory.disable(before["username"]))
    _end_sessions(ctx, wholly=True)
    access_tokens.revoke_all(ctx.user_id)
    return changed


def enable_user(ctx: RequestContext, before: Values) -> Values:
    """Let somebody in again; they sign in anew. Raises Refused, VersionConflict."""
    changed = administration.change_profile(ctx, before, {"disabled_at": None}, [])
    _in_cognito(lambda: directory.enable(before["username"]))
    return changed


def sign_out_everywhere(ctx: RequestContext, before: Values) -> Values:
    """End every session and Cognito token of somebody; they may sign in again. Their access tokens stay.

    Raises Refused, VersionConflict.
    """
    changed = administration.change_profile(ctx, before, {}, [_revocation(ctx, False)])
    _in_cognito(lambda: directory.sign_out(before["username"]))
    _end_sessions(ctx, wholly=False)
    return changed


def change_groups(ctx: RequestContext, before: Values, groups: frozenset[str]) -> Values:
    """Give somebody other roles. Raises Refused, VersionConflict.

    Their browsers know at once, and everything they may do or not follows within ``GROUPS_SECONDS``.
    """
    changed = administration.change_profile(ctx, before, {"roles": sorted(groups) or None}, [])
    _in_cognito(lambda: directory.set_groups(before["username"], groups, frozenset(ROLES)))
    roles.groups.forget(before["username"])
    sessions.revise(ctx.user_id, lambda data: _with_groups(data, groups))
    return changed


def _with_groups(session: Values, groups: frozenset[str]) -> Values:
    person = session["person"]
    others = frozenset(person["groups"]).difference(ROLES)
    return {**session, "person": {**person, "groups": sorted(groups | others)}}


def delete_user(ctx: RequestContext, before: Values) -> None:
    """Delete somebody's tasks, trash, sessions, preferences, profile and account. Raises Refused, WriteContention."""
    items = administration.belongings(ctx.user_id)
    if len(items) > administration.MAX_ERASED:
        raise Refused(too_much(before))
    disable_user(ctx, before)
    administration.erase_items(ctx, items)
    calls.remove(preferences.key(ctx.user_id))
    if before.get("email"):
        administration.release_email(before["email"])
    _in_cognito(lambda: directory.delete(before["username"]))
    remaining = administration.profile_of(ctx.user_id)
    if remaining:
        administration.erase_items(ctx, [remaining])
    profiles.known.clear()


def too_much(profile: Values) -> str:
    """Return why a user cannot be deleted on a page."""
    return (
        f"{profile.get('email') or profile['id']} has more than {administration.MAX_ERASED} tasks. "
        f"Use: manage.py erase_user {profile['id']}"
    )


def _revocation(ctx: RequestContext, wholly: bool) -> calls.Action:
    return revocations.record(ctx.user_id, ctx.request_id, ctx.now.timestamp(), wholly=wholly)


def _end_sessions(ctx: RequestContext, *, wholly: bool) -> None:
    """End what was issued until now: Cognito issues nothing more, so this is final."""
    calls.write([revocations.record(ctx.user_id, ctx.request_id, time.time(), wholly=wholly)])
    revocations.known.forget()
    sessions.end_all(ctx.user_id)


def _in_cognito(do: Any) -> None:
    try:
        directory.ignoring(AccountMissing, do)
    except IdentityError as error:
        raise Refused(f"Recorded, but not done by the sign-in service yet; do it again. {error}") from error

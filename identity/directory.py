"""Administration of accounts in Cognito."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from identity.cognito import call, client, failure
from identity.errors import AccountMissing, EmailTaken, IdentityError
from identity.users import Person

_ERRORS: dict[str, type[IdentityError]] = {
    "UserNotFoundException": AccountMissing,
    "AliasExistsException": EmailTaken,
    "UsernameExistsException": EmailTaken,
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """An account in Cognito; ``id`` is its ``sub``, ``status`` Cognito's word for its state.

    Lists do not say whether there is a ``second_factor``; ``account`` does.
    """

    username: str
    id: str
    enabled: bool
    status: str
    second_factor: bool = False


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = getattr(client(), operation)(UserPoolId=settings.USER_POOL_ID, **arguments)
    except ClientError as error:
        raise _ERRORS.get(error.response["Error"]["Code"], partial(failure, error))() from error
    except BotoCoreError as error:
        raise failure(error) from None
    return answer


def account(username: str) -> Account:
    """Return an account. Raises AccountMissing, IdentityUnavailable."""
    user = _call("admin_get_user", Username=username)
    attributes = {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}
    factors = user.get("UserMFASettingList")
    return Account(user["Username"], attributes["sub"], user["Enabled"], user["UserStatus"], bool(factors))


def address_of(username: str) -> str:
    """Return the address that an account has proved, or "". Raises AccountMissing, IdentityUnavailable."""
    return _proved(_call("admin_get_user", Username=username))


def address_behind(name: str) -> str:
    """Return the address that the account of a name has proved; "" too if nobody has the name, or nobody could.

    Raises IdentityUnavailable.
    """
    nobody = dict.fromkeys(("UserNotFoundException", "InvalidParameterException"), AccountMissing)
    try:
        user = call("admin_get_user", nobody, UserPoolId=settings.USER_POOL_ID, Username=name)
    except AccountMissing:
        return ""
    return _proved(user)


def _proved(user: dict[str, Any]) -> str:
    attributes = {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}
    return attributes.get("email", "") if attributes.get("email_verified") == "true" else ""


def person(username: str) -> Person | None:
    """Return the person of an account that may sign in now; None if it is disabled or waits for something.

    Raises AccountMissing, IdentityUnavailable.
    """
    user = _call("admin_get_user", Username=username)
    if not user["Enabled"] or user["UserStatus"] != "CONFIRMED":
        return None
    attributes = {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}
    return Person.from_claims(attributes | {"username": user["Username"], "iat": int(time.time())})


def groups_of(username: str) -> frozenset[str]:
    """Return the names of a user's groups. Raises AccountMissing, IdentityUnavailable."""
    answer = _call("admin_list_groups_for_user", Username=username, Limit=60)
    return frozenset(group["GroupName"] for group in answer["Groups"])


def members_of(group: str) -> Iterator[Account]:
    """Yield the accounts in a group. One request for 60 accounts. Raises IdentityUnavailable."""
    following: dict[str, str] = {}
    while True:
        answer = _call("list_users_in_group", GroupName=group, Limit=60, **following)
        for user in answer["Users"]:
            yield _of_list(user)
        if "NextToken" not in answer:
            return
        following = {"NextToken": answer["NextToken"]}


def _of_list(user: dict[str, Any]) -> Account:
    attributes = {pair["Name"]: pair["Value"] for pair in user["Attributes"]}
    return Account(user["Username"], attributes["sub"], user["Enabled"], user["UserStatus"])


def set_groups(username: str, wanted: frozenset[str], among: frozenset[str]) -> None:
    """Make a user a member of the groups ``wanted``, and of no other group in ``among``."""
    present = groups_of(username)
    for group in sorted(wanted - present):
        _call("admin_add_user_to_group", Username=username, GroupName=group)
    for group in sorted((present - wanted) & among):
        _call("admin_remove_user_from_group", Username=username, GroupName=group)


def create(username: str, attributes: Mapping[str, str]) -> str:
    """Create an account and return its ``sub``; Cognito sends an invitation by e-mail. Raises EmailTaken."""
    pairs = [{"Name": name, "Value": value} for name, value in attributes.items() if value]
    pairs.append({"Name": "email_verified", "Value": "true"})
    answer = _call(
        "admin_create_user", Username=username, UserAttributes=pairs, DesiredDeliveryMediums=["EMAIL"]
    )
    made = {pair["Name"]: pair["Value"] for pair in answer["User"]["Attributes"]}
    return str(made["sub"])


def invite_again(username: str) -> None:
    """Send the invitation again to the owner of an account who has not signed in yet, with a new password."""
    _call("admin_create_user", Username=username, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"])


def reset_password(username: str) -> None:
    """Make the password of an account useless, and send its owner a code to set a new one with."""
    _call("admin_reset_user_password", Username=username)


def change_email(username: str, email: str) -> None:
    """Change the e-mail address of an account, marked as verified. Raises EmailTaken."""
    pairs = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    _call("admin_update_user_attributes", Username=username, UserAttributes=pairs)


def holders_of(email: str, *, verified: bool = False) -> list[Account]:
    """Return the accounts with this e-mail address, ten at most; only those that have proved it if ``verified``."""
    quoted = email.replace("\\", "\\\\").replace('"', '\\"')
    found = []
    for user in _call("list_users", Filter=f'email = "{quoted}"', Limit=10)["Users"]:
        attributes = {pair["Name"]: pair["Value"] for pair in user["Attributes"]}
        if not verified or attributes.get("email_verified") == "true":
            found.append(_of_list(user))
    return found


def disable(username: str) -> None:
    """Disable sign-in to an account and revoke its refresh tokens."""
    _call("admin_disable_user", Username=username)
    sign_out(username)


def enable(username: str) -> None:
    """Enable sign-in to an account again."""
    _call("admin_enable_user", Username=username)


def sign_out(username: str) -> None:
    """Revoke the refresh tokens of an account."""
    _call("admin_user_global_sign_out", Username=username)


def prefer_totp(username: str, *, wanted: bool) -> None:
    """Make Cognito ask an account for a code of its authenticator app at sign-in, or stop it."""
    _call(
        "admin_set_user_mfa_preference",
        Username=username,
        SoftwareTokenMfaSettings={"Enabled": wanted, "PreferredMfa": wanted},
    )


def delete(username: str) -> None:
    """Delete an account if it exists."""
    ignoring(AccountMissing, lambda: _call("admin_delete_user", Username=username))


def accounts_of(user_id: str, username: str = "") -> set[str]:
    """Return the usernames of the accounts with this ``sub``.

    ``username``, of such an account, finds one that is too new for Cognito's list.
    """
    found = {user["Username"] for user in _call("list_users", Filter=f'sub = "{user_id}"')["Users"]}
    if username and not found:
        named = ignoring(AccountMissing, lambda: account(username))
        found = {named.username} if named and named.id == user_id else found
    return found


def ignoring(error: type[IdentityError], do: Callable[[], T]) -> T | None:
    """Return what ``do`` returns, or None if it raises ``error``."""
    try:
        return do()
    except error:
        return None

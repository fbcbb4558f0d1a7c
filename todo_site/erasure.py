"""Everything the table and Cognito hold about one person: found by reading the whole table, and removed.

A Scan, because an erasure has to be proved: what no index leads to is found too. Items of others that merely name the
person (as the writer of a change, for example) stay as they are and are counted.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from identity import directory, email_addresses, preferences, profiles
from identity.administration import Refused, disable_user, in_cognito
from identity.cognito import client as cognito
from identity.items import revocation_key
from store import calls
from store.codec import decode_item
from store.context import RequestContext
from store.errors import WriteContention
from store.schema import Item

OWNERS = ("user_id", "subject_id")
Values = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Items of the person, keys only, and how many items of others hold the person's id."""

    own: list[Key]
    named: int
    scanned: int


def search(user_id: str) -> Found:
    """Read the whole table. The revocation that keeps issued tokens from working goes by itself and is not counted."""
    own: list[Key] = []
    named = scanned = 0
    for item in _scan():
        scanned += 1
        key = (str(item["PK"]), str(item["SK"]))
        if key == revocation_key(user_id):
            continue
        if _belongs(item, user_id):
            own.append(key)
        elif user_id in json.dumps(item, default=str):
            named += 1
    return Found(own, named, scanned)


def _belongs(item: Values, user_id: str) -> bool:
    parts = [part for piece in item["PK"].split("#")[1:] for part in (piece, piece.partition(".")[0])]
    return user_id in parts or any(item.get(name) == user_id for name in OWNERS)


def _scan() -> Iterator[Values]:
    pages = calls.client().get_paginator("scan").paginate(TableName=Item.Meta.table_name, ConsistentRead=True)
    for page in pages:
        yield from (decode_item(raw) for raw in page["Items"])


def remove(keys: list[Key]) -> None:
    """Delete items; those already gone are fine."""
    for key in keys:
        calls.remove(key)


def remove_account(user_id: str) -> int:
    """Delete the Cognito accounts of a person; how many there were. Raises IdentityError."""
    users = cognito().list_users(UserPoolId=settings.USER_POOL_ID, Filter=f'sub = "{user_id}"')["Users"]
    for user in users:
        directory.delete(user["Username"])
    return len(users)


def has_account(user_id: str) -> bool:
    """Whether Cognito still knows a person."""
    try:
        return bool(
            cognito().list_users(UserPoolId=settings.USER_POOL_ID, Filter=f'sub = "{user_id}"')["Users"]
        )
    except ClientError:
        return True


def delete_user(ctx: RequestContext, before: Values) -> None:
    """Delete somebody's tasks, trash, sessions, preferences, profile and account. Raises Refused, WriteContention."""
    items = belongings(ctx.user_id)
    if len(items) > MAX_ERASED:
        raise Refused(too_much(before))
    disable_user(ctx, before)
    erase_items(ctx, items)
    calls.remove(preferences.key(ctx.user_id))
    if before.get("email"):
        email_addresses.release_email(before["email"])
    in_cognito(lambda: directory.delete(before["username"]))
    remaining = profiles.profile_of(ctx.user_id)
    if remaining:
        erase_items(ctx, [remaining])
    profiles.known.clear()


def too_much(profile: Values) -> str:
    """Return why a user cannot be deleted on a page."""
    return (
        f"{profile.get('email') or profile['id']} has more than {MAX_ERASED} tasks. "
        f"Use: manage.py erase_user {profile['id']}"
    )


# A user with more items than this is erased by the command made for it, not inside a request.
MAX_ERASED = 500

# A transaction holds 100 actions; the audit entry is one.
CHUNK = 50


def belongings(user_id: str, at_most: int = MAX_ERASED) -> list[Values]:
    """Return the tasks and the trash of a user: key and title of each, no more than ``at_most`` + 1 in all."""
    found: list[Values] = []
    for partition in (f"TASK#{user_id}", f"TRASH#{user_id}"):
        start: dict[str, str] = {}
        while len(found) <= at_most:
            items, start = calls.query(
                {":pk": partition},
                start,
                KeyConditionExpression="PK = :pk",
                ConsistentRead=True,
                Limit=at_most + 1 - len(found),
            )
            found += items
            if not start:
                break
    return found


def erase_items(ctx: RequestContext, items: list[Values]) -> None:
    """Delete items for good, in transactions of ``CHUNK``, each with the audit entries of what it deletes."""
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        actions = [calls.delete_existing((item["PK"], item["SK"])) for item in chunk]
        trail = [action for item in chunk for action in ctx.recorded(item, {})]
        try:
            calls.write([*actions, *trail])
        except (calls.ConditionFailed, calls.Contended):
            raise WriteContention from None

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

from identity import directory
from identity.cognito import client as cognito
from store import calls
from store.codec import decode_item
from tasks.items import Item, revocation_key

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

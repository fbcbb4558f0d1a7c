"""Looks for a person in the whole table: an erasure has to be proved, and what no index leads to is found too.

Items of others that merely name the person (as the writer of a change, for example) stay as they are and are counted.
"""

import json
from dataclasses import dataclass

from identity.items import revocation_key
from store.model import Key, RawItem, table

OWNERS = ("user_id", "subject_id")


@dataclass(frozen=True, slots=True)
class Found:
    """Items of the person, keys only, and how many items of others hold the person's id."""

    own: list[Key]
    named: int
    scanned: int


def search(user_id: str) -> Found:
    """Scan the table. The revocation that keeps issued tokens from working goes by itself and is not counted."""
    own: list[Key] = []
    named = scanned = 0
    pages = table().client.get_paginator("scan").paginate(TableName=table().table_name, ConsistentRead=True)
    for item in (item for page in pages for item in page["Items"]):
        scanned += 1
        key = (item["PK"]["S"], item["SK"]["S"])
        if key == revocation_key(user_id):
            continue
        if _belongs(item, user_id):
            own.append(key)
        elif user_id in json.dumps(item, default=str):
            named += 1
    return Found(own, named, scanned)


def _belongs(item: RawItem, user_id: str) -> bool:
    parts = [part for piece in item["PK"]["S"].split("#")[1:] for part in (piece, piece.partition(".")[0])]
    return user_id in parts or any(item.get(name) == {"S": user_id} for name in OWNERS)

"""Looks for a person in the whole table: an erasure has to be proved, and what no index leads to is found too.

Items of others that merely name the person (as the writer of a change, for example) stay as they are and are counted.
"""

import json
from dataclasses import dataclass

from store.model import Key, RawItem
from store.reading import scan

OWNERS = ("user_id", "subject_id")


@dataclass(frozen=True, slots=True)
class Found:
    """Items of the person, keys only, and how many items of others hold the person's id."""

    own: list[Key]
    named: int
    scanned: int


def search(user_id: str) -> Found:
    """Scan the table."""
    own: list[Key] = []
    named = scanned = 0
    for item in scan():
        scanned += 1
        key = (item["PK"]["S"], item["SK"]["S"])
        if _belongs(item, user_id):
            own.append(key)
        elif user_id in json.dumps(item, default=str):
            named += 1
    return Found(own, named, scanned)


def _belongs(item: RawItem, user_id: str) -> bool:
    parts = [part for piece in item["PK"]["S"].split("#")[1:] for part in (piece, piece.partition(".")[0])]
    return user_id in parts or any(item.get(name) == {"S": user_id} for name in OWNERS)

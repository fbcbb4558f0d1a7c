"""Items that only the store's tests know."""

from __future__ import annotations

import uuid

from store.attributes import Flag, Record, Records, Text, Texts, Whole
from store.model import Authored, Item

STAMP = "2026-03-01T12:00:00.000000Z"


class NoteItem(Authored):
    """An item with an attribute of every kind."""

    ENTITY_TYPE = "STORE_TEST_NOTE"

    user_id = Text()
    title = Text()
    body = Text(null=True)
    pages = Whole(null=True)
    pinned = Flag(null=True)
    tags = Texts(null=True)
    lines = Records(null=True)
    headers = Record(null=True)
    expires_at = Whole(null=True)


class BinnedNoteItem(NoteItem):
    """A note that was thrown away."""

    ENTITY_TYPE = "STORE_TEST_BINNED_NOTE"

    deleted_at = Text()


class CounterItem(Item):
    """Something counted."""

    ENTITY_TYPE = "STORE_TEST_COUNTER"

    used = Whole()
    expires_at = Whole()


def note(partition: str = "", **values):
    """Return a new note, at version 1 unless ``values`` say otherwise."""
    number = uuid.uuid4().hex
    given = {
        "PK": f"NOTE#{partition or number}",
        "SK": f"NOTE#{number}",
        "user_id": "alice",
        "title": "First",
        "updated_at": STAMP,
        "version": 1,
        "updated_by": "alice",
        "request_id": number,
    }
    return NoteItem(**(given | values))


def next_version(old, **values):
    """Return ``old`` changed by the next request."""
    return old.changed(version=old.version + 1, request_id=uuid.uuid4().hex, **values)

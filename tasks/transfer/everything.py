"""Everything that table and lake hold of a person, as one JSON file: for the person, or an admin whom they have asked.

It is made in parts, as exports of tasks are (``export_jobs``): a cursor says in which section the next part begins, how
many entries the section has so far, and where it goes on. Secrets are left out, and so are their hashes; of the audit
trail and of changes, who else acted, since that is about somebody else. The first section says what is in the others.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import to_json

from identity import (
    access_tokens,
    browsers,
    calendar_address,
    preferences,
    profiles,
    recovery_codes,
    sessions,
    sign_ins,
)
from store.audit import AuditItem
from store.model import Item, owner_keys
from store.paging import Page
from store.reading import query
from tasks import selectors
from tasks.transfer import changes, exporting
from tasks.transfer.rows import JSON_FIELDS

FORMAT, MEDIA_TYPE = "everything", "application/json"
PAGE = exporting.PAGE
_PROFILE = (
    *(
        "id",
        "email",
        "username",
        "name",
        "given_name",
        "family_name",
        "timezone",
        "first_day_of_week",
        "roles",
    ),
    *("created_at", "updated_at", "disabled_at"),
)
_PREFERENCES = ("language", "theme", "weekly_goal", "filters")
_AUDIT = ("created_at", "action", "kind", "object_name", "message", "changes", "request_id")
Values = Mapping[str, Any]


def _chosen(values: Values, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


# What the file says of itself, in English like its names.
ABOUT = {
    "person": "Your profile and settings, your last sign-in, since when your calendar has an address, and how many "
    "recovery codes are left. The sign-in service keeps your password and second factor, and shows them to nobody.",
    "sessions": "Where you are signed in.",
    "access_tokens": "Your access tokens, without their secrets.",
    "tasks": "Your tasks as they are now.",
    "trash": "Deleted tasks that can still be restored.",
    "done_by_admins": "What administrators did to your account and tasks. It does not say who: that is about them.",
    "changes": "Every change of your tasks and profile, with what was there after it; of what was removed, what was "
    "there before. Changes of the last minutes may be missing. `values` has what is not empty.",
    "not_in_this_file": "Lines of logs, which say when which page was called, not what was typed, and which expire. "
    "Ask an administrator for them. Figures about everybody name nobody.",
}


def _about(user_id: str, cursor: str | None) -> Page[Any]:
    return Page([ABOUT], None)


def _person(user_id: str, cursor: str | None) -> Page[Any]:
    """Return what there is one of."""
    profile, feed = profiles.get_profile(user_id), calendar_address.get(user_id)
    one = {
        "profile": _chosen(profile.attribute_values, _PROFILE) if profile else None,
        "preferences": _chosen(preferences.get(user_id).attribute_values, _PREFERENCES),
        "last_sign_in": sign_ins.last_of(user_id) or None,
        "calendar_address_since": feed.created_at if feed else None,
        "recovery_codes_left": recovery_codes.left(user_id),
    }
    return Page([one], None, len(one))


def _sessions(user_id: str, cursor: str | None) -> Page[Any]:
    found = [
        {
            "created_at": item.created_at,
            "browser": browsers.describe(sessions.data_of(item).get("browser", "")),
            "expires_at": item.expires_at,
        }
        for item in sessions.of_person(user_id)
        if item.expires_at > time.time()
    ]
    return Page(found, None)


def _tokens(user_id: str, cursor: str | None) -> Page[Any]:
    names = ("name", "scope", "created_at", "expires_at")
    return Page([{n: getattr(token, n) for n in names} for token in access_tokens.list_tokens(user_id)], None)


def _tasks(user_id: str, cursor: str | None) -> Page[Any]:
    page = selectors.list_tasks(user_id, limit=PAGE, cursor=cursor)
    return Page([exporting.row(task) for task in page.items], page.next_cursor, page.reads)


def _trash(user_id: str, cursor: str | None) -> Page[Any]:
    page = selectors.get_trashed(user_id, limit=PAGE, cursor=cursor)
    rows = [_chosen(task.attribute_values, JSON_FIELDS) for task in page.items]
    return Page(rows, page.next_cursor, page.reads)


def _audit(user_id: str, cursor: str | None) -> Page[Any]:
    """Return what admins did to the person and their tasks, the oldest first."""
    found = query(
        AuditItem,
        owner_keys(user_id, "")["GSI2PK"],
        Item.GSI2SK.startswith("AUDIT#"),
        index="GSI2",
        limit=PAGE,
        start=json.loads(cursor) if cursor else None,
    )
    rows = [_chosen(entry.attribute_values, _AUDIT) for entry in found.items]
    return Page(rows, json.dumps(found.last) if found.last else None)


SECTIONS: dict[str, Callable[[str, str | None], Page[Any]]] = {
    "about": _about,
    "person": _person,
    "sessions": _sessions,
    "access_tokens": _tokens,
    "tasks": _tasks,
    "trash": _trash,
    "done_by_admins": _audit,
    "changes": changes.page_of,
}
_NAMES = tuple(SECTIONS)


def next_part(
    user_id: str, cursor: str | None, size: int, read: Callable[[int], None]
) -> tuple[bytes, int, str | None]:
    """Return the next part of the file, at least ``size`` bytes unless it is the last one.

    With it, how many tasks are in it, and the cursor of the next part (None at the end). ``read`` is told the number
    of queries as they are made.
    """
    content, tasks = bytearray(), 0
    name, count, inner = json.loads(cursor) if cursor else (_NAMES[0], 0, None)
    if cursor is None:
        content += b"{\n" + _opened(name)
    while True:
        page = SECTIONS[name](user_id, inner)
        read(page.reads)
        for entry in page.items:
            content += (b",\n" if count else b"\n") + to_json(entry)
            count += 1
        tasks += len(page.items) if name == "tasks" else 0
        inner = page.next_cursor
        if inner is None:
            following = _NAMES.index(name) + 1
            if following == len(_NAMES):
                return bytes(content + b"\n]\n}\n"), tasks, None
            name, count = _NAMES[following], 0
            content += b"\n],\n" + _opened(name)
        if len(content) >= size:
            return bytes(content), tasks, json.dumps([name, count, inner])


def _opened(section: str) -> bytes:
    return f'"{section}": ['.encode()


def filename(day: str) -> str:
    """Return the name under which the file of a day is saved."""
    return f"all-my-data-{day}.json"

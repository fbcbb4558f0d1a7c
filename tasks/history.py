"""The history of a task: who changed which fields, and when. It is read from the lake, not stored with the task.

Every write carries its author and request through the table's stream into Silver's ``task_events``. The history up to
a given version never changes, so a result that reaches the current version is cached.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from etl.lake.layout import is_cut, user_bucket
from tasks import fields
from tasks.items import TaskItem

KEPT_SECONDS = 3600
MOST = 200
CACHED_CHARACTERS = 200_000  # of a history; the process keeps 300 of them
# Of a very long history, only the newest events are read.
_SQL = """
SELECT event_name, entity_type, changed_at, version, updated_by, request_id, image, cut
FROM task_events
WHERE user_bucket = ? AND user_id = ? AND entity_id = ? AND event_name <> 'REMOVE'
  AND coalesce(is_change, 1) = 1
ORDER BY version DESC
LIMIT 201
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A changed field: its name, and its value before and after (None if it had none)."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Event:
    """One write of a task. ``kind`` is created, changed, deleted or restored; ``by`` is the author's id.

    ``before`` and ``after`` are all fields of the task, where ``changes`` are known.
    """

    kind: str
    at: str
    version: int
    by: str
    request_id: str
    changes: list[Change]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """The writes of a task, the newest first; ``incomplete`` while the latest have not reached the lake yet."""

    events: list[Event]
    incomplete: bool


class HistoryUnavailable(Exception):  # noqa: N818
    """The lake cannot be queried right now."""


def of_task(task: TaskItem) -> History:
    """Return the history of ``task`` as far as the lake has it. One Athena query, none if the result is cached.

    Raises HistoryUnavailable.
    """
    name = f"history:{task.id}:{task.version}"
    rows = cache.get(name)
    if rows is None:
        rows = _query(task)
        size = sum(len(row["image"] or "") for row in rows)
        if rows and size <= CACHED_CHARACTERS and int(rows[0]["version"]) >= int(task.version):
            cache.set(name, rows, KEPT_SECONDS)
    newest = int(rows[0]["version"]) if rows else 0
    return History(events(reversed(rows)), incomplete=newest < int(task.version))


def _query(task: TaskItem) -> list[dict[str, Any]]:
    from web import athena  # imports Athena's client, which only this page needs

    owner = str(task.user_id)
    try:
        return athena.run(_SQL, (user_bucket(owner), owner, str(task.id)), timeout=15).rows
    except athena.AthenaError as error:
        raise HistoryUnavailable from error


def events(rows: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Return the events, the newest first, of rows of ``task_events`` in the order of their versions."""
    found: list[Event] = []
    before: dict[str, Any] | None = None
    for row in rows:
        after = json.loads(row["image"] or "{}")
        if is_cut(row.get("cut")):
            after = (before or {}) | after  # what the image lacks was too long for the lake, not removed
        kind = _kind(row, before)
        changes = _changes(before, after) if kind == "changed" and before is not None else []
        found.append(
            Event(
                kind,
                str(row["changed_at"]),
                int(row["version"]),
                row["updated_by"] or "",
                row["request_id"] or "",
                changes,
                before or {},
                after,
            )
        )
        before = after
    return found[::-1][:MOST]


def _kind(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if row["entity_type"] == "TRASH":
        return "deleted"
    if row["event_name"] == "INSERT":
        return "created" if int(row["version"]) == 1 else "restored"
    return "changed"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [
        Change(name, before.get(name), after.get(name))
        for name in fields.EDITABLE
        if before.get(name) != after.get(name)
    ]

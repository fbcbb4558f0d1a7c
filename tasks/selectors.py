"""The only readers of the table. A page of a list is one Query on the index that serves it best; see ``store.ranges``.

Reads of GSI1 to GSI5 are eventually consistent; everything else is read consistently.
"""

import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from store import calls, cursors
from store import ranges as search
from store.paging import LIMIT, Page
from store.schema import CHANGES, TTL_ATTRIBUTE
from tasks import task_ranges
from tasks.errors import TaskNotFound
from tasks.ids import is_id
from tasks.items import TaskItem, TrashItem, task_key, trash_key
from tasks.task_filters import TaskFilters

Values = dict[str, Any]


def get_task(user_id: str, task_id: str) -> TaskItem:
    """Return a task of ``user_id``. One GetItem. Raises TaskNotFound, also for somebody else's."""
    values = calls.get(task_key(user_id, task_id)) if is_id(task_id) else None
    if values is None:
        raise TaskNotFound
    return TaskItem.of(values)


def list_tasks(
    user_id: str, *, filters: TaskFilters = TaskFilters(), limit: int = LIMIT, cursor: str | None = None
) -> Page[TaskItem]:
    """Return a page of at most ``limit`` tasks of ``user_id``.

    One Query if an index serves filters and sort; two for what changed; up to four by priority; at most
    ``search.MAX_READS`` where nothing serves a filter, and the page may then hold less than there is to come.

    Raises InvalidCursor.
    """
    scope = f"tasks\0{user_id}\0" + "\0".join(f"{getattr(filters, f.name) or ''}" for f in fields(filters))
    ranges = task_ranges.ranges(user_id, filters)
    return _page(scope, ranges, limit, cursor, merged=task_ranges.merged(filters))


def _page(
    scope: str, ranges: Sequence[search.Range], limit: int, cursor: str | None, *, merged: bool = False
) -> Page[Any]:
    start = cursors.load(scope, cursor) if cursor else None
    items, positions = search.read(ranges, limit, start, merged=merged)
    return Page(
        [(TrashItem if item["entity_type"] == "TRASH" else TaskItem).of(item) for item in items],
        cursors.dump(scope, positions) if positions else None,
    )


def get_trashed_task(user_id: str, task_id: str) -> TrashItem:
    """Return a deleted task of ``user_id`` that is still kept. One GetItem. Raises TaskNotFound."""
    values = calls.get(trash_key(user_id, task_id)) if is_id(task_id) else None
    if values is None or "purged_at" in values or values[TTL_ATTRIBUTE] <= time.time():
        raise TaskNotFound
    return TrashItem.of(values)


def was_purged(user_id: str, task_id: str) -> bool:
    """Tell whether ``user_id`` deleted this task for good, as long as that is remembered. One GetItem."""
    values = calls.get(trash_key(user_id, task_id)) if is_id(task_id) else None
    return values is not None and "purged_at" in values


def get_trashed(
    user_id: str,
    *,
    now: float | None = None,
    limit: int = LIMIT,
    cursor: str | None = None,
    latest_first: bool = False,
) -> Page[TrashItem]:
    """Return a page of the deleted tasks of ``user_id`` still kept at ``now`` (epoch seconds). One Query.

    The newest task comes first; with ``latest_first``, what was deleted last. Raises InvalidCursor.
    """
    moment = int(time.time() if now is None else now)
    return _page(
        f"trash\0{user_id}\0{latest_first}",
        [
            search.Range(
                owner=f"TRASH#{user_id}",
                **({"low": "0", "high": ":", "index": CHANGES} if latest_first else task_ranges.ALL),
                conditions=(f"#{TTL_ATTRIBUTE} > :moment", "attribute_not_exists( #purged_at )"),
                values={":moment": moment},
            )
        ],
        limit,
        cursor,
    )


def count_tasks(user_id: str, *, filters: TaskFilters = TaskFilters(), at_most: int = 1000) -> int:
    """Return how many tasks match, counting no further than ``at_most`` tasks. One Query, unless by priority."""
    return search.count(task_ranges.ranges(user_id, filters), at_most)

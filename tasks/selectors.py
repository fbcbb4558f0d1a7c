"""The only readers of the table. A page of a list is one Query on the index that serves it best; see ``store.ranges``.

Reads of GSI1 to GSI5 are eventually consistent; everything else is read consistently.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields

from store import cursors
from store import ranges as search
from store.errors import InvalidCursor
from store.model import CHANGES, AnyItem
from store.paging import LIMIT, Page
from store.reading import get
from tasks import list_indexes
from tasks.errors import TaskNotFound
from tasks.ids import is_id
from tasks.items import TaskItem, TrashItem, task_key, trash_key
from tasks.task_filters import TaskFilters


def get_task(user_id: str, task_id: str) -> TaskItem:
    """Return a task of ``user_id``. One GetItem. Raises TaskNotFound, also for somebody else's."""
    task = get(TaskItem, task_key(user_id, task_id)) if is_id(task_id) else None
    if task is None:
        raise TaskNotFound
    return task


def list_tasks(
    user_id: str,
    *,
    filters: TaskFilters = TaskFilters(),
    limit: int = LIMIT,
    cursor: str | None = None,
    fits: Callable[[TaskItem], bool] | None = None,
) -> Page[TaskItem]:
    """Return a page of at most ``limit`` tasks of ``user_id``; it ends earlier where a task does not fit.

    One Query if an index serves filters and sort; two for what changed; up to three for a category, four by priority;
    at most ``search.MAX_READS`` where nothing serves a filter, and the page may then hold less than there is to come.

    Raises InvalidCursor.
    """
    scope = f"tasks\0{user_id}\0" + "\0".join(f"{getattr(filters, f.name) or ''}" for f in fields(filters))
    ranges = list_indexes.ranges(user_id, filters)
    return _page(scope, ranges, limit, cursor, merged=list_indexes.merged(filters), fits=fits)


def _page(
    scope: str,
    ranges: Sequence[search.Range[AnyItem]],
    limit: int,
    cursor: str | None,
    *,
    merged: bool = False,
    fits: Callable[[AnyItem], bool] | None = None,
) -> Page[AnyItem]:
    start = cursors.load(scope, cursor) if cursor else None
    if start and len(start) != len(ranges):  # the list was made of others before
        raise InvalidCursor
    items, positions = search.read(ranges, limit, start, merged=merged, fits=fits)
    return Page(items, cursors.dump(scope, positions) if positions else None)


def get_trashed_task(user_id: str, task_id: str) -> TrashItem:
    """Return a deleted task of ``user_id`` that is still kept. One GetItem. Raises TaskNotFound."""
    trashed = get(TrashItem, trash_key(user_id, task_id)) if is_id(task_id) else None
    if trashed is None or not trashed.is_kept(time.time()):
        raise TaskNotFound
    return trashed


def was_deleted(user_id: str, task_id: str) -> bool:
    """Return whether ``user_id`` deleted this task, permanently or not, as long as something is left. One GetItem."""
    return is_id(task_id) and get(TrashItem, trash_key(user_id, task_id)) is not None


def was_purged(user_id: str, task_id: str) -> bool:
    """Return whether ``user_id`` deleted this task permanently, as long as its tombstone is there. One GetItem."""
    trashed = get(TrashItem, trash_key(user_id, task_id)) if is_id(task_id) else None
    return trashed is not None and trashed.purged_at is not None


def get_trashed(
    user_id: str,
    *,
    now: float | None = None,
    limit: int = LIMIT,
    cursor: str | None = None,
    latest_first: bool = False,
    fits: Callable[[TrashItem], bool] | None = None,
) -> Page[TrashItem]:
    """Return a page of the deleted tasks of ``user_id`` still kept at ``now`` (epoch seconds). One Query.

    The newest task comes first; with ``latest_first``, what was deleted last. Raises InvalidCursor.
    """
    trash = search.Range(
        model=TrashItem,
        owner=f"TRASH#{user_id}",
        condition=TrashItem.kept_at(time.time() if now is None else now),
        **({"low": "0", "high": ":", "index": CHANGES} if latest_first else list_indexes.ALL),
    )
    return _page(f"trash\0{user_id}\0{latest_first}", [trash], limit, cursor, fits=fits)

"""Handing the tasks of one person over to another, some at a time, when their accounts are merged.

Each task moves in one transaction: whatever stops it, a task is with one of them, and with one only. What has not moved
is what the first person still has; nothing else remembers how far it is.
"""

from collections.abc import Iterator
from itertools import islice

from store.reading import count, query_all
from store.request_context import RequestContext
from store.writing import ConditionFailed, delete, put_new, write
from tasks.items import TaskItem, TrashItem, task_key, trash_key

COUNTED = 1000


def left(user_id: str) -> tuple[int, int, bool]:
    """Return how many tasks and trashed tasks a person has, and whether that is all: ``COUNTED`` trashed at most.

    One Query, and one a page of the trash.
    """
    tasks, all_tasks = count(task_key(user_id, "")[0])
    trashed = sum(1 for _ in islice(_in_trash(user_id), COUNTED))
    return tasks, trashed, all_tasks and trashed < COUNTED


def hand_over(ctx: RequestContext, heir_id: str, most: int) -> int:
    """Move up to ``most`` tasks of ``ctx.user_id``, then of the trash, to another person; return how many moved.

    They keep id and content; clients that sync see them as new ones. A tombstone stays. One transaction a task.
    A task that somebody changes at this moment moves the next time.
    """
    return sum(_moved(ctx, task, heir_id) for task in islice(movable(ctx.user_id), most))


def movable(user_id: str) -> Iterator[TaskItem]:
    """Return the tasks of a person and those in the trash, without tombstones. One Query a page."""
    yield from query_all(TaskItem, task_key(user_id, "")[0])
    yield from _in_trash(user_id)


def _in_trash(user_id: str) -> Iterator[TrashItem]:
    return (item for item in query_all(TrashItem, trash_key(user_id, "")[0]) if not item.purged_at)


def _moved(ctx: RequestContext, task: TaskItem, heir_id: str) -> bool:
    pk, sk = (trash_key if isinstance(task, TrashItem) else task_key)(heir_id, task.id)
    theirs = task.changed(PK=pk, SK=sk, user_id=heir_id, **ctx.authorship(task.version + 1))
    theirs = theirs.changed(**theirs.index_keys())
    try:
        write([delete(task), put_new(theirs)])
    except ConditionFailed:
        return False
    return True

"""The items of tasks that belong to a person."""

from collections.abc import Iterator
from itertools import chain

from store.reading import query_all
from tasks.items import TaskItem, task_key, trash_key


def owned_by(user_id: str) -> Iterator[TaskItem]:
    """Return the tasks of a person, the trash and its tombstones. One Query a page."""
    partitions = (task_key(user_id, "")[0], trash_key(user_id, "")[0])
    return chain.from_iterable(query_all(TaskItem, partition) for partition in partitions)

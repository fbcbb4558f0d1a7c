"""The items of tasks that belong to a person."""

from collections.abc import Iterator
from itertools import chain

from store.model import Item, KeysAtLeast
from store.reading import query_all
from tasks.items import task_key, trash_key
from tasks.transfer.export_jobs import export_key
from tasks.transfer.import_jobs import import_key, rows_key


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the exports, imports and tasks of a person, the trash and its tombstones. One Query a page."""
    jobs = (export_key(user_id, "")[0], import_key(user_id, "")[0], rows_key(user_id, "", 0)[0])
    partitions = (*jobs, task_key(user_id, "")[0], trash_key(user_id, "")[0])
    return chain.from_iterable(query_all(KeysAtLeast, partition) for partition in partitions)

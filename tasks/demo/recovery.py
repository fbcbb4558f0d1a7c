"""After an interrupted load: finds out from the table which events were written."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from identity import profiles
from store.paging import Page, pages
from store.request_context import timestamp
from tasks import selectors
from tasks.demo.storyline import Event
from tasks.errors import TaskNotFound
from tasks.items import TaskItem

PAGE = 100


def find_written(event: Event, user_id: str, task_id: str) -> str | None:
    """Return the id of the event's task (empty for a profile) if the event was written, else None.

    ``task_id`` is empty for a create. All events before this one must have been written. A task that its owner has
    changed since counts as written.
    """
    if event.verb in {"join", "profile"}:
        profile = profiles.get_profile(user_id)
        return "" if profile and profile.updated_at >= timestamp(event.at) else None
    if event.verb == "create":
        moment = timestamp(event.at)
        return next((item.id for item in _since(user_id, moment) if item.created_at == moment), None)
    return task_id if _shows(event, user_id, task_id) else None


def _shows(event: Event, user_id: str, task_id: str) -> bool:
    """Return whether an update, a deletion or a restoration was written."""
    try:
        task = selectors.get_task(user_id, task_id)
    except TaskNotFound:
        return event.verb != "restore"
    # A task that was written after its deletion has been restored since.
    return task.updated_at >= timestamp(event.at)


def _since(user_id: str, moment: str) -> Iterator[TaskItem]:
    """Yield the tasks created at ``moment`` or later, newest first, then those of them in the trash."""
    before = datetime.fromisoformat(moment).timestamp()
    yield from _until(moment, partial(selectors.list_tasks, user_id, limit=PAGE))
    yield from _until(moment, partial(selectors.get_trashed, user_id, now=before, limit=PAGE))


def _until(moment: str, read: Callable[..., Page[Any]]) -> Iterator[TaskItem]:
    """Yield the items of a list, newest first, that were created at ``moment`` or later."""
    for page in pages(lambda cursor: read(cursor=cursor)):
        yield from (item for item in page.items if item.created_at >= moment)
        if page.items and page.items[-1].created_at < moment:
            return

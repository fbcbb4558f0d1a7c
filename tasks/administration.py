"""What admins do to tasks and records, recorded in the transaction that does it. People: ``identity``."""

from typing import Any

from store import calls
from store.audit import Trail, remove_recorded
from store.context import RequestContext
from store.errors import VersionConflict
from store.schema import Item
from store.versions import write_at
from tasks.errors import TaskNotFound
from tasks.items import trash_key

Values = dict[str, Any]


def purge_task(ctx: RequestContext, task_id: str, version: int) -> None:
    """Delete a task from the trash for good. Raises TaskNotFound, VersionConflict."""
    item = calls.get(trash_key(ctx.user_id, task_id))
    if item is None:
        raise TaskNotFound
    if item["version"] != version:
        raise VersionConflict(item["version"])
    write_at([calls.delete(item), *ctx.recorded(item, {})], version)


def remove_record(ctx: RequestContext, item: Item, actor: str, action: str) -> None:
    """Delete a session or an idempotency record."""
    remove_recorded(ctx, item, Trail(actor, action))


# --- A person's data -----------------------------------------------------------------------------------------

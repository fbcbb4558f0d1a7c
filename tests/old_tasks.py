"""Tasks as they were written when text was stored as it came"""

from datetime import UTC, datetime, timedelta

from store.request_context import RequestContext
from store.writing import put_new, write
from tasks.ids import new_id
from tasks.items import TaskItem, spelled_prefix, task_key


def plant(account, milliseconds, **fields):
    """Write a task of ``account``, created that long from now, with ``fields`` as they are; return its id."""
    now = datetime.now(UTC) + timedelta(milliseconds=milliseconds)
    ctx = RequestContext(user_id=account.id, updated_by=account.id, request_id="old", now=now)
    task_id = new_id(now)
    pk, sk = task_key(account.id, task_id)
    given = {"title": "old", "status": "pending", "priority": "medium", **fields, **ctx.authorship(1)}
    item = TaskItem(PK=pk, SK=sk, id=task_id, user_id=account.id, created_at=ctx.timestamp, **given)
    keys = item.index_keys()
    if item.category:
        keys["GSI4SK"] = f"{spelled_prefix(item.category)}{task_id}"
    write([put_new(item.changed(**keys))])
    return task_id

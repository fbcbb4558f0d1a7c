"""The table ``todo-app-data``: its items as PynamoDB models, its keys and its indexes.

Importable without Django. An item's ``attribute_values`` is the whole item as a plain dict, attributes unknown to this
version of the code included, and is what services and selectors work on.
"""

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import ListAttribute, UnicodeAttribute

from store.schema import Authored, feed_keys

STATUSES = ("pending", "in_progress", "completed", "cancelled")
OPEN_STATUSES = ("pending", "in_progress")
PRIORITIES = ("low", "medium", "high", "urgent")


# --- Keys ----------------------------------------------------------------------------------------------------


def task_key(user_id: str, task_id: str) -> tuple[str, str]:
    """Return PK and SK of a task."""
    return f"TASK#{user_id}", f"TASK#{task_id}"


def trash_key(user_id: str, task_id: str) -> tuple[str, str]:
    """Return PK and SK of a deleted task."""
    return f"TRASH#{user_id}", f"TASK#{task_id}"


def category_prefix(category: str) -> str:
    """Return the part of GSI4SK before the task id; ``#`` is escaped so that "a" never matches "a#b"."""
    return f"CATEGORY#{category.replace('%', '%25').replace('#', '%23')}#"


def task_index_keys(task: Mapping[str, Any]) -> dict[str, str]:
    """Return every index key of a task: a new task's or an updated one's, always the whole set."""
    owner, task_id, due, category = (
        f"USER#{task['user_id']}",
        task["id"],
        task.get("due_date"),
        task.get("category"),
    )
    keys = feed_keys("TASK", task_id, task["created_at"])
    keys |= {"GSI1PK": owner, "GSI1SK": f"STATUS#{task['status']}#{task_id}"}
    keys |= {"GSI3PK": owner, "GSI3SK": f"PRIORITY#{task['priority']}#{task_id}"}
    if due and task["status"] in OPEN_STATUSES:
        keys |= {"GSI2PK": owner, "GSI2SK": f"DUEDATE#{due}#{task_id}"}
    if category:
        keys |= {"GSI4PK": owner, "GSI4SK": f"{category_prefix(category)}{task_id}"}
    return keys


def trash_index_keys(trashed: Mapping[str, Any]) -> dict[str, str]:
    """Return the index keys of a task in the trash: among all that are, by the time of the deletion."""
    return feed_keys("TRASH", trashed["id"], trashed["deleted_at"])


def index_keys(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the index keys of a stored task (also in the trash) or profile; none for what is in no index."""
    try:
        if item["entity_type"] == "TASK":
            return task_index_keys(item)
        if item["entity_type"] == "TRASH" and "purged_at" not in item:
            return trash_index_keys(item)
        if item["entity_type"] == "USER":
            return feed_keys("USER", item["user_id"], item["created_at"])
    except KeyError:
        return {}
    return {}


# --- Models --------------------------------------------------------------------------------------------------


class TaskItem(Authored):
    """A task. Timestamps are ISO 8601 UTC strings with microseconds; ``due_date`` is YYYY-MM-DD."""

    title = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    priority = UnicodeAttribute()
    category = UnicodeAttribute(null=True)
    tags: ListAttribute[Any] = ListAttribute(null=True)
    due_date = UnicodeAttribute(null=True)
    due_time = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    checklist: ListAttribute[Any] = ListAttribute(null=True)
    recurrence = UnicodeAttribute(null=True)
    next_task_id = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)


class TrashItem(TaskItem):
    """A deleted task, kept for 30 days."""

    deleted_at = UnicodeAttribute()
    deleted_by = UnicodeAttribute()
    purged_at = UnicodeAttribute(null=True)

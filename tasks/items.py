"""The items of tasks, their keys and their index keys."""

import hashlib

from pynamodb.expressions.condition import Condition

from store.attributes import Records, Text, Texts, Whole
from store.model import Authored, Key, feed_keys
from store.text import folded

STATUSES = ("pending", "in_progress", "completed", "cancelled")
OPEN_STATUSES = ("pending", "in_progress")
PRIORITIES = ("low", "medium", "high", "urgent")
_CATEGORY_BYTES = 300


def task_key(user_id: str, task_id: str) -> Key:
    """Return PK and SK of a task."""
    return f"TASK#{user_id}", f"TASK#{task_id}"


def trash_key(user_id: str, task_id: str) -> Key:
    """Return PK and SK of a deleted task."""
    return f"TRASH#{user_id}", f"TASK#{task_id}"


def category_prefix(category: str) -> str:
    """Return the part of GSI4SK before the task id: the same for all spellings of a category."""
    key = folded(category)
    # A sort key has 1,024 bytes, and some characters stand for whole phrases.
    if len(key.encode()) > _CATEGORY_BYTES:
        return f"CATEGORY#%{hashlib.sha256(key.encode()).hexdigest()}#"
    return spelled_prefix(key)


def spelled_prefix(category: str) -> str:
    """Return that part as tasks have it that were last written when each spelling was a category of its own.

    ``#`` is escaped so that "a" never matches "a#b".
    """
    return f"CATEGORY#{category.replace('%', '%25').replace('#', '%23')}#"


class TaskItem(Authored):
    """A task. Timestamps are ISO 8601 UTC strings with microseconds; ``due_date`` is YYYY-MM-DD.

    Attributes
    ----------
    next_task_id
        The occurrence that completing this task created.
    previous_task_id
        The occurrence whose completion created this task.
    repeat_from
        "done" if the next occurrence is counted from the completion; absent if from the due date.
    """

    ENTITY_TYPE = "TASK"

    id = Text()
    user_id = Text()
    created_at = Text()
    title = Text()
    description = Text(null=True)
    status = Text()
    priority = Text()
    category = Text(null=True)
    tags = Texts(null=True)
    due_date = Text(null=True)
    due_time = Text(null=True)
    timezone = Text(null=True)
    checklist = Records(null=True)
    recurrence = Text(null=True)
    repeat_from = Text(null=True)
    next_task_id = Text(null=True)
    previous_task_id = Text(null=True)
    completed_at = Text(null=True)

    @property
    def audit_kind(self) -> str:
        """The audit trail's id of the task, in the trash or not."""
        return "task"

    @property
    def audit_id(self) -> str:
        """The id under which the audit trail knows it, in the trash or not."""
        return f"{self.user_id}.{self.id}"

    def is_kept(self, now: float) -> bool:
        """Return whether it is there at ``now`` (epoch seconds)."""
        return True

    def index_keys(self) -> dict[str, str]:
        """Return the keys by status, priority, category and due date, and in the feed of all tasks."""
        owner = f"USER#{self.user_id}"
        keys = feed_keys("TASK", self.id, self.created_at)
        keys |= {"GSI1PK": owner, "GSI1SK": f"STATUS#{self.status}#{self.id}"}
        keys |= {"GSI3PK": owner, "GSI3SK": f"PRIORITY#{self.priority}#{self.id}"}
        if self.due_date and self.status in OPEN_STATUSES:
            keys |= {"GSI2PK": owner, "GSI2SK": f"DUEDATE#{self.due_date}#{self.id}"}
        if self.category:
            keys |= {"GSI4PK": owner, "GSI4SK": f"{category_prefix(self.category)}{self.id}"}
        return keys


class TrashItem(TaskItem):
    """A deleted task, kept for 30 days; with ``purged_at`` only a tombstone, which tells clients of the deletion."""

    ENTITY_TYPE = "TRASH"

    deleted_at = Text()
    deleted_by = Text()
    expires_at = Whole()
    purged_at = Text(null=True)

    @classmethod
    def kept_at(cls, now: float) -> Condition:
        """Return the condition that a task is in the trash at ``now`` (epoch seconds), and not just a tombstone."""
        condition: Condition = cls.purged_at.does_not_exist() & (cls.expires_at > int(now))
        return condition

    def is_kept(self, now: float) -> bool:
        """Return whether it is in the trash at ``now`` (epoch seconds), and not just a tombstone."""
        return self.purged_at is None and self.expires_at > now

    def index_keys(self) -> dict[str, str]:
        """Return the keys in the feed of all deleted tasks, by the time of the deletion; a tombstone has none."""
        return {} if self.purged_at else feed_keys("TRASH", self.id, self.deleted_at)

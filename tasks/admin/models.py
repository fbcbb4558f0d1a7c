"""Tasks and the trash as admin models: fields from ``tasks.items``, lengths and choices from ``tasks.fields``.

The models are unmanaged: Django stores nothing, and rows are read through access paths.
"""

from functools import partial
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.fields import Words
from dynamo_admin.reading import DynamoReader, Path, Values
from identity.admin_models import AuditEntry, Stored, _unexpired, feed
from tasks import fields
from tasks.admin.gold_copy import GoldCopy
from tasks.forms import PRIORITY_LABELS, REPEAT_FROM_LABELS, STATUS_LABELS
from tasks.ids import is_id
from tasks.items import TaskItem, TrashItem, task_key, trash_key
from tasks.language import rule_words

TASK_FIELDS = (
    *("title", "description", "status", "priority", "category", "tags", "due_date", "due_time", "timezone"),
    *(
        "checklist",
        "recurrence",
        "repeat_from",
        "id",
        "user_id",
        "created_at",
        "updated_at",
        "completed_at",
        "version",
    ),
    *("updated_by", "request_id", "next_task_id"),
)
LABELS = {
    "title": _("title"),
    "description": _("description"),
    "status": _("status"),
    "priority": _("priority"),
    "category": _("category"),
    "tags": _("tags"),
    "due_date": _("due date"),
    "due_time": _("time of day"),
    "checklist": _("checklist"),
    "recurrence": _("repeats"),
    "repeat_from": _("counted from"),
    "completed_at": _("completed"),
    "deleted_at": _("moved to the trash"),
    "deleted_by": _("moved there by"),
    "next_task_id": _("id of the next task"),
    "previous_task_id": _("id of the previous task"),
    "purged_at": _("deleted for good"),
}
HELPS = {
    "due_time": _("Hours and minutes, such as 09:30."),
    "timezone": _("The zone of the time of day, such as Europe/Berlin. Blank: where the owner is."),
    "repeat_from": _("Whether the next task is counted from the due date or from the day it is done."),
}
VALUES = {
    "status": STATUS_LABELS,
    "priority": PRIORITY_LABELS,
    "repeat_from": {"due": REPEAT_FROM_LABELS[""], "done": REPEAT_FROM_LABELS["done"]},
}
AuditEntry.NAMES.update({("task", name): label for name, label in LABELS.items()})
AuditEntry.WORDS["task", "recurrence"] = rule_words.in_words
for _field, _values in VALUES.items():
    AuditEntry.WORDS["task", _field] = partial(lambda values, value: values.get(value, value), _values)


def _admin_key(values: Values) -> str:
    return f"{values['user_id']}.{values['id']}"


def _task_key_of(key: str) -> tuple[str, str] | None:
    owner, _, task_id = key.rpartition(".")
    return task_key(owner, task_id) if owner and is_id(task_id) else None


def _trash_key_of(key: str) -> tuple[str, str] | None:
    owner, _, task_id = key.rpartition(".")
    return trash_key(owner, task_id) if owner and is_id(task_id) else None


def _by_owner(index: str, name: str) -> Path:
    number = index[-1]
    return Path(
        "USER#{user_id}",
        f"{name.upper()}#{{{name}}}#",
        index=f"gsi{number}",
        sort=f"GSI{number}SK",
    )


class _Titled(Stored):
    schema = fields.TASK_CHANGES.json_schema()
    words = Words({**Stored.words.labels, **LABELS}, HELPS, VALUES)

    class Meta(Stored.Meta):
        abstract = True

    def __str__(self) -> str:
        return str(getattr(self, "title", None) or self.pk)

    @classmethod
    def load(cls, name: str, value: Any) -> Any:
        """Convert a stored attribute to its Django value. Raises ValueError."""
        if name == "checklist" and not all({"id", "text", "done"} <= entry.keys() for entry in value or ()):
            raise ValueError(gettext("an entry lacks its id, its text or whether it is done"))
        return super().load(name, value)


class Task(_Titled):
    """A task that is not in the trash."""

    item = TaskItem
    show = TASK_FIELDS
    sorted_copy = GoldCopy()
    reader = DynamoReader(
        item=TaskItem,
        locate=_task_key_of,
        key_of=_admin_key,
        paths=(
            _by_owner("GSI1", "status"),
            _by_owner("GSI3", "priority"),
            Path("TASK#{user_id}", "TASK#"),
            feed("TASK"),
        ),
    )

    class Meta(Stored.Meta):
        verbose_name = _("task")
        verbose_name_plural = _("tasks")


class TrashedTask(_Titled):
    """A deleted task, kept for 30 days."""

    item = TrashItem
    show = ("title", "status", "priority", "category", "user_id", "deleted_at", "deleted_by", "created_at", "id",
            "description", "tags", "due_date", "checklist", "version", "request_id", "expires_at")  # fmt: skip
    reader = DynamoReader(
        item=TrashItem,
        locate=_trash_key_of,
        key_of=_admin_key,
        keep=lambda values: _unexpired(values) and not values.get("purged_at"),
        ordered_by="deleted_at",
        paths=(Path("TRASH#{user_id}", "TASK#", order="created_at"), feed("TRASH")),
    )

    class Meta(Stored.Meta):
        ordering = ["-deleted_at"]
        verbose_name = _("task in the trash")
        verbose_name_plural = _("tasks in the trash")


AuditEntry.PAGES["task"] = (Task, TrashedTask)

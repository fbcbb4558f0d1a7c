"""What a write will do, worked out before it is tried: the task as it will be, and the actions that make it so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from store import calls, validation
from store.context import RequestContext
from store.errors import FieldError, ValidationFailed
from store.schema import INDEX_KEYS, TTL_ATTRIBUTE
from store.versions import check_echoed
from tasks import fields
from tasks.ids import new_id
from tasks.items import TaskItem, task_index_keys, task_key, trash_index_keys, trash_key
from tasks.recurrence import next_occurrence

TRASH_KEPT_SECONDS = 30 * 24 * 3600
DEFAULTS = {"status": "pending", "priority": "medium"}
# A deleted task in the trash, or the other way round, differs from the task by these.
_TRASH_ONLY = frozenset({"deleted_at", "deleted_by", TTL_ATTRIBUTE})
# What is left of a task that was deleted for good: enough for clients that keep a copy to delete theirs.
_TOMBSTONE = (
    *("PK", "SK", "id", "user_id", "entity_type", "status", "priority"),
    *("created_at", "deleted_at", "deleted_by", TTL_ATTRIBUTE),
)

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One attempt: the task as it will be and as it was, and the actions; the first is about the task itself."""

    task: TaskItem
    actions: list[calls.Action]
    before: Values = field(default_factory=dict)

    @property
    def changes_nothing(self) -> bool:
        """Whether the task is as it should be already; the one action only checks that it still is."""
        return self.actions[0].keys() == {"ConditionCheck"}

    def recorded(self, ctx: RequestContext) -> list[calls.Action]:
        """Return the actions, and those that record the write for the context's trail."""
        if self.changes_nothing:
            return self.actions
        return [*self.actions, *ctx.recorded(self.before, self.task.attribute_values)]


def create(ctx: RequestContext, given: Mapping[str, Any], task_id: str | None = None) -> Plan:
    """Plan a new task of the fields ``given``. Raises ValidationFailed."""
    values = DEFAULTS | validation.clean(fields.NEW_TASK, given)
    _check_together(values)
    task = _new_task(ctx, values, task_id or new_id(ctx.now))
    return Plan(TaskItem.of(task), [calls.put_new(task)])


def _new_task(ctx: RequestContext, values: Mapping[str, Any], task_id: str) -> Values:
    pk, sk = task_key(ctx.user_id, task_id)
    task = {name: value for name, value in values.items() if value not in (None, [])}
    task |= {
        "PK": pk,
        "SK": sk,
        "id": task_id,
        "user_id": ctx.user_id,
        "entity_type": "TASK",
        "created_at": ctx.timestamp,
        **ctx.authorship(1),
    }
    if task["status"] == "completed":
        task["completed_at"] = ctx.timestamp
    return task | task_index_keys(task)


def update(ctx: RequestContext, old: Values, wanted: Values, echoed: Mapping[str, Any] | None = None) -> Plan:
    """Plan the change of ``old`` to hold the validated fields ``wanted``.

    ``echoed`` are fields that only we set, as the caller knows them. Raises ValidationFailed, and VersionConflict if
    they tell that the caller knows an older version.
    """
    check_echoed(old, echoed or {})
    new = _changed(ctx, old, wanted)
    if new == old:
        return Plan(TaskItem.of(old), [calls.unchanged(old)])
    following = _next_occurrence(ctx, old, new)
    if following:
        new["next_task_id"] = following["id"]
    new |= ctx.authorship(old["version"] + 1)
    actions = [calls.update(old, new)]
    if following:
        actions.append(calls.put_new(following))
    return Plan(TaskItem.of(new), actions, old)


def take_back(ctx: RequestContext, completed: Values, wanted: Values, following: Values) -> Plan:
    """Plan to reopen ``completed``, and to move ``following``, the occurrence that completing it made, to the trash."""
    new = _changed(ctx, completed, wanted) | ctx.authorship(completed["version"] + 1)
    del new["next_task_id"]
    return Plan(TaskItem.of(new), [calls.update(completed, new), *delete(ctx, following).actions], completed)


def _changed(ctx: RequestContext, old: Values, wanted: Values) -> Values:
    merged = {**old, **wanted}
    if not merged.get("due_date"):
        # The time of day goes with the day, unless the same request asks for it.
        merged |= {name: None for name in ("due_time",) if name not in wanted}
    _check_together(merged)
    new = {
        name: value for name, value in merged.items() if value not in (None, []) and name not in INDEX_KEYS
    }
    if new["status"] != "completed":
        new.pop("completed_at", None)
    elif old["status"] != "completed":
        new["completed_at"] = ctx.timestamp
    return new | task_index_keys(new)


def _check_together(values: Mapping[str, Any]) -> None:
    if values.get("due_time") and not values.get("due_date"):
        message = _("A time of day needs a due date.")
        raise ValidationFailed([FieldError(field="due_time", message=message, code="needs_due_date")])


def _next_occurrence(ctx: RequestContext, old: Values, new: Values) -> Values | None:
    completed = new["status"] == "completed" and old["status"] != "completed"
    if not completed or not new.get("recurrence") or new.get("next_task_id"):
        return None
    today = ctx.now.astimezone(ZoneInfo(new.get("timezone", "UTC"))).date()
    due = date.fromisoformat(new["due_date"]) if new.get("due_date") else today
    following = next_occurrence(new["recurrence"], due, today)
    if following is None:
        return None
    day, rule = following
    copied = {name: new[name] for name in fields.TaskChanges.__annotations__ if name in new}
    copied |= {"status": "pending", "due_date": day.isoformat(), "recurrence": rule}
    if "checklist" in copied:
        copied["checklist"] = [entry | {"done": False} for entry in copied["checklist"]]
    return _new_task(ctx, copied, new_id(ctx.now, seed=f"{new['id']}#{day}"))


def delete(ctx: RequestContext, task: Values) -> Plan:
    """Plan the move of ``task`` to the trash."""
    return _move(task, _trashed(ctx, task))


def restore(ctx: RequestContext, trashed: Values) -> Plan:
    """Plan the move of ``trashed`` back from the trash."""
    return _move(trashed, _restored(ctx, trashed))


def purge(ctx: RequestContext, trashed: Values) -> Plan:
    """Plan the deletion for good of what is in the trash: all but a tombstone, which goes when the trash does."""
    new = {name: trashed[name] for name in _TOMBSTONE if name in trashed}
    new |= {"title": "", "purged_at": ctx.timestamp, **ctx.authorship(trashed["version"] + 1)}
    return Plan(TaskItem.of(new), [calls.update(trashed, new)], trashed)


def _move(old: Values, new: Values) -> Plan:
    return Plan(TaskItem.of(new), [calls.delete(old), calls.put_new(new)], old)


def _trashed(ctx: RequestContext, task: Values) -> Values:
    pk, sk = trash_key(ctx.user_id, task["id"])
    trashed = {
        **{name: value for name, value in task.items() if name not in INDEX_KEYS},
        **ctx.authorship(task["version"] + 1),
        "PK": pk,
        "SK": sk,
        "entity_type": "TRASH",
        "deleted_at": ctx.timestamp,
        "deleted_by": ctx.updated_by,
        TTL_ATTRIBUTE: int(ctx.now.timestamp()) + TRASH_KEPT_SECONDS,
    }
    return trashed | trash_index_keys(trashed)


def _restored(ctx: RequestContext, trashed: Values) -> Values:
    pk, sk = task_key(ctx.user_id, trashed["id"])
    task = {name: value for name, value in trashed.items() if name not in _TRASH_ONLY}
    task |= {"PK": pk, "SK": sk, "entity_type": "TASK", **ctx.authorship(trashed["version"] + 1)}
    return task | task_index_keys(task)

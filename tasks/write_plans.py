"""Plans of writes: the resulting task and the DynamoDB actions that produce it. Nothing here reads or writes."""

from collections.abc import Container, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from store import validation
from store.commit import Change, Plan
from store.errors import FieldError, ValidationFailed
from store.model import INDEX_KEYS, Item
from store.request_context import RequestContext
from store.versions import check_echoed
from store.writing import Action, check, delete, put_new, unchanged, update
from tasks import fields
from tasks.ids import new_id
from tasks.items import TaskItem, TrashItem, task_key, trash_key
from tasks.recurrence import next_occurrence

TRASH_KEPT_SECONDS = 30 * 24 * 3600
DEFAULTS = {"status": "pending", "priority": "medium"}
# A tombstone keeps these: enough for clients with a copy of the task to delete theirs.
_TOMBSTONE = (
    *("PK", "SK", "id", "user_id", "status", "priority"),
    *("created_at", "deleted_at", "deleted_by", "expires_at"),
)

Values = dict[str, Any]
Result = TypeVar("Result")
AnyTask = TypeVar("AnyTask", bound=TaskItem)


def create_task(ctx: RequestContext, given: Mapping[str, Any], task_id: str | None = None) -> Plan[TaskItem]:
    """Plan a new task with the fields ``given``. Raises ValidationFailed."""
    values = DEFAULTS | validation.clean(fields.NEW_TASK, given)
    _check_together(values)
    task = _new_task(ctx, values, task_id or new_id(ctx.now))
    return _plan(None, task, put_new(task))


def _plan(before: TaskItem | None, after: AnyTask, *actions: Action) -> Plan[AnyTask]:
    return Plan(after, actions, [Change(before, after)], [after.key])


def together(result: Result, plans: Sequence[Plan[Any]]) -> Plan[Result]:
    """Return one plan with the actions of several."""
    return Plan(
        result,
        [action for plan in plans for action in plan.actions],
        [change for plan in plans for change in plan.changes],
        [key for plan in plans for key in plan.resources],
    )


def _new_task(ctx: RequestContext, values: Mapping[str, Any], task_id: str) -> TaskItem:
    authorship = ctx.authorship(1)
    now = authorship["updated_at"]
    pk, sk = task_key(ctx.user_id, task_id)
    task = TaskItem(
        PK=pk,
        SK=sk,
        id=task_id,
        user_id=ctx.user_id,
        created_at=now,
        completed_at=now if values["status"] == "completed" else None,
        **{name: value for name, value in values.items() if value != []},
        **authorship,
    )
    return task.changed(**task.index_keys())


def _indexed(task: AnyTask) -> AnyTask:
    return task.changed(**dict.fromkeys(INDEX_KEYS) | task.index_keys())


def update_task(
    ctx: RequestContext,
    old: TaskItem,
    wanted: Values,
    echoed: Mapping[str, Any] | None = None,
    existing: Container[str] = (),
) -> Plan[TaskItem]:
    """Plan to give ``old`` the validated fields ``wanted``.

    Parameters
    ----------
    echoed
        Read-only fields as the caller knows them.
    existing
        Ids of tasks that exist. If the next occurrence is one of them, it is not created again.

    Raises ValidationFailed, and VersionConflict if ``echoed`` is of an older version.
    """
    check_echoed(old, echoed or {})
    new = _changed(ctx, old, wanted)
    if new == old:
        return Plan(old, [unchanged(old)], resources=[old.key])
    new = new.changed(**ctx.authorship(old.version + 1))
    following = _next_occurrence(ctx, old, new)
    if following is None:
        return _plan(old, new, update(old, new))
    withdrawn = old.withdrawn_task_id
    reused = next((task_id for task_id in (withdrawn, following.id) if task_id in existing), None)
    new = new.changed(next_task_id=reused or following.id, withdrawn_task_id=None)
    actions = [update(old, new)]
    if reused is None:
        actions.append(put_new(following))
        if withdrawn and withdrawn != following.id:
            # It may be back from the trash. Then the write fails, and the next plan reuses it.
            actions.append(check(task_key(ctx.user_id, withdrawn), Item.PK.does_not_exist()))
    return _plan(old, new, *actions)


def take_back(
    ctx: RequestContext, completed: TaskItem, wanted: Values, following: TaskItem
) -> Plan[TaskItem]:
    """Plan to reopen ``completed``, and to move ``following``, the occurrence it created, to the trash."""
    new = _changed(ctx, completed, wanted).changed(
        next_task_id=None, withdrawn_task_id=following.id, **ctx.authorship(completed.version + 1)
    )
    return _plan(completed, new, update(completed, new), *delete_task(ctx, following).actions)


def _changed(ctx: RequestContext, old: TaskItem, wanted: Values) -> TaskItem:
    merged = old.attribute_values | wanted
    if not merged.get("due_date") and "due_time" not in wanted:
        merged["due_time"] = None  # the time of day goes with the day
    if not merged.get("recurrence") and "repeat_from" not in wanted:
        merged["repeat_from"] = None
    _check_together(merged)
    if merged["status"] != "completed":
        merged["completed_at"] = None
    elif old.status != "completed":
        merged["completed_at"] = ctx.timestamp
    return _indexed(old.changed(**{name: None if value == [] else value for name, value in merged.items()}))


def _check_together(values: Mapping[str, Any]) -> None:
    if values.get("due_time") and not values.get("due_date"):
        message = _("A time of day needs a due date.")
        raise ValidationFailed([FieldError(field="due_time", message=message, code="needs_due_date")])
    if values.get("repeat_from") and not values.get("recurrence"):
        message = _("Only a recurring task has something to count from.")
        raise ValidationFailed([FieldError(field="repeat_from", message=message, code="needs_recurrence")])


def _next_occurrence(ctx: RequestContext, old: TaskItem, new: TaskItem) -> TaskItem | None:
    completed = new.status == "completed" and old.status != "completed"
    if not completed or not new.recurrence or new.next_task_id:
        return None
    today = ctx.now.astimezone(ZoneInfo(new.timezone or "UTC")).date()
    due = date.fromisoformat(new.due_date) if new.due_date else today
    following = next_occurrence(new.recurrence, due, today)
    if following is None:
        return None
    day, rule = following
    copied = {name: new.attribute_values.get(name) for name in fields.TaskChanges.__annotations__}
    copied |= {"status": "pending", "due_date": day.isoformat(), "recurrence": rule}
    if new.checklist:
        copied["checklist"] = [entry | {"done": False} for entry in new.checklist]
    return _new_task(ctx, copied, new_id(ctx.now, seed=f"{new.id}#{day}"))


def delete_task(ctx: RequestContext, task: TaskItem) -> Plan[TrashItem]:
    """Plan to move ``task`` to the trash."""
    pk, sk = trash_key(ctx.user_id, task.id)
    trashed = task.copied_as(
        TrashItem,
        PK=pk,
        SK=sk,
        deleted_at=ctx.timestamp,
        deleted_by=ctx.updated_by,
        expires_at=int(ctx.now.timestamp()) + TRASH_KEPT_SECONDS,
        **ctx.authorship(task.version + 1),
    )
    return _move(task, _indexed(trashed))


def restore_task(ctx: RequestContext, trashed: TrashItem) -> Plan[TaskItem]:
    """Plan to move ``trashed`` back from the trash."""
    pk, sk = task_key(ctx.user_id, trashed.id)
    task = trashed.copied_as(
        TaskItem,
        PK=pk,
        SK=sk,
        deleted_at=None,
        deleted_by=None,
        expires_at=None,
        **ctx.authorship(trashed.version + 1),
    )
    return _move(trashed, _indexed(task))


def _move(old: TaskItem, new: AnyTask) -> Plan[AnyTask]:
    return _plan(old, new, delete(old), put_new(new))


def purge_task(ctx: RequestContext, trashed: TrashItem) -> Plan[TrashItem]:
    """Plan to delete a task in the trash permanently. Its tombstone stays for as long as the task would have."""
    kept = {name: trashed.attribute_values.get(name) for name in _TOMBSTONE}
    new = TrashItem(**kept, title="", purged_at=ctx.timestamp, **ctx.authorship(trashed.version + 1))
    return _plan(trashed, new, update(trashed, new))

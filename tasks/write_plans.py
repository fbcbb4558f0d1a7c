"""Plans of writes: the resulting task and the DynamoDB actions that produce it. Nothing here reads or writes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from identity import today
from identity.items import user_key
from store import text, validation
from store.commit import Change, Plan
from store.errors import FieldError, ValidationFailed
from store.model import INDEX_KEYS, Key
from store.request_context import RequestContext
from store.versions import check_echoed
from store.writing import Action, delete, put_new, unchanged, update
from tasks import fields, recurrence
from tasks.errors import SeriesEnded
from tasks.ids import new_id
from tasks.items import OPEN_STATUSES, TaskItem, TrashItem, task_key, trash_key

TRASH_KEPT_SECONDS = 30 * 24 * 3600
DEFAULTS = {"status": "pending", "priority": "medium"}
# A tombstone keeps these: enough for clients with a copy of the task to delete theirs.
_TOMBSTONE = (
    *("PK", "SK", "id", "user_id", "status", "priority"),
    *("created_at", "deleted_at", "deleted_by", "expires_at", "next_task_id"),
)

Values = dict[str, Any]
# What a task lacks that has left its series.
_NO_RULE: Values = {"recurrence": None, "repeat_from": None}
# Items beside the one that is planned, by key.
Around = Mapping[Key, Any]
Result = TypeVar("Result")
AnyTask = TypeVar("AnyTask", bound=TaskItem)


class Unread(Exception):  # noqa: N818
    """A plan depends on the items at ``keys`` as well: read them, and plan again."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(keys)
        self.keys = keys


def create_task(
    ctx: RequestContext,
    given: Mapping[str, Any],
    task_id: str | None = None,
    around: Around = MappingProxyType({}),
    times: Mapping[str, str] = MappingProxyType({}),
) -> Plan[TaskItem]:
    """Plan a new task with the fields ``given``.

    ``times`` are those at which an imported one was created and completed, by attribute; now where they are missing.

    Raises ValidationFailed, Unread.
    """
    values = DEFAULTS | validation.clean(fields.NEW_TASK, given)
    _check_together(values)
    if values.get("recurrence"):
        values["recurrence"] = _rule(ctx, values, around, given=True)
    task = _new_task(ctx, values, task_id or new_id(ctx.now), **times)
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


def _new_task(ctx: RequestContext, values: Mapping[str, Any], task_id: str, **times: str) -> TaskItem:
    authorship = ctx.authorship(1)
    now = authorship["updated_at"]
    pk, sk = task_key(ctx.user_id, task_id)
    task = TaskItem(
        PK=pk,
        SK=sk,
        id=task_id,
        user_id=ctx.user_id,
        created_at=times.get("created_at", now),
        completed_at=times.get("completed_at", now) if values["status"] == "completed" else None,
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
    around: Around = MappingProxyType({}),
) -> Plan[TaskItem]:
    """Plan to give ``old`` the validated fields ``wanted``.

    A task that becomes completed gets a next occurrence, and one that is open again takes the place of its own: a
    series never has two open occurrences.

    Parameters
    ----------
    echoed
        Read-only fields as the caller knows them.
    around
        Other items that were read, by key; None for one that is not there.

    Raises ValidationFailed, VersionConflict if ``echoed`` is of an older version, and Unread.
    """
    check_echoed(old, echoed or {})
    new = _changed(ctx, old, wanted, around)
    if new == old:
        return Plan(old, [unchanged(old)], resources=[old.key])
    new = _canonical(new).changed(**ctx.authorship(old.version + 1))
    begins = wanted.get("recurrence") not in {None, old.recurrence}
    if new.status in OPEN_STATUSES and old.status not in OPEN_STATUSES and old.next_task_id:
        return _reopen(ctx, old, new, around, begins=begins)
    if new.status in OPEN_STATUSES and begins:
        new = new.changed(next_task_id=None)
    if new.status == "completed" != old.status:
        return _complete(ctx, old, new, around)
    return _plan(old, new, update(old, new))


def _canonical(task: TaskItem) -> TaskItem:
    """Return ``task`` with its texts in NFC. Older ones are as they were sent until their task is changed."""
    texts: Values = {
        name: text.canonical(task.attribute_values[name])
        for name in ("title", "description", "category")
        if task.attribute_values.get(name)
    }
    if task.tags:
        texts["tags"] = [text.canonical(tag) for tag in task.tags]
    if task.checklist:
        texts["checklist"] = [
            entry | {"text": text.canonical(entry["text"])} for entry in map(dict, task.checklist)
        ]
    return task.changed(**texts)


def _reopen(
    ctx: RequestContext, old: TaskItem, new: TaskItem, around: Around, *, begins: bool
) -> Plan[TaskItem]:
    """Plan to open a task that has passed the rule of its series on.

    It takes the rule back from its next occurrence, if that has it still and is untouched or in the trash. That is then
    in the trash without a rule. Otherwise this task no longer repeats, unless it ``begins`` a series by another rule.
    """
    following_id = str(old.next_task_id)
    key, trashed_key = task_key(ctx.user_id, following_id), trash_key(ctx.user_id, following_id)
    _need(around, key, trashed_key)
    following, trashed = around[key], around[trashed_key]
    back = new.changed(next_task_id=None)
    taken: Plan[Any]
    if following and following.version == 1 and following.status in OPEN_STATUSES:
        taken = delete_task(ctx, following, **_NO_RULE)
    elif trashed and trashed.status in OPEN_STATUSES and not trashed.next_task_id:
        without = trashed.changed(**_NO_RULE, **ctx.authorship(trashed.version + 1))
        taken = _plan(trashed, without, update(trashed, without))
    else:
        new = back if begins else new.changed(**_NO_RULE)
        return _plan(old, new, update(old, new))
    opened = _plan(old, back, update(old, back))
    return replace(together(back, [opened, taken]), resources=opened.resources)


def _complete(ctx: RequestContext, old: TaskItem, new: TaskItem, around: Around) -> Plan[TaskItem]:
    """Plan to complete a task, and to create its next occurrence unless it had one when it was closed."""
    passed_on = old.next_task_id and old.status not in OPEN_STATUSES
    following = None if passed_on else _next_occurrence(ctx, new, around)
    if following is None:
        return _plan(old, new, update(old, new))
    new = new.changed(next_task_id=following.id)
    return _plan(old, new, update(old, new), put_new(following))


def skip_task(ctx: RequestContext, old: TaskItem, around: Around) -> Plan[TaskItem]:
    """Plan to move a recurring task to its next occurrence without completing it. Raises SeriesEnded, Unread."""
    found = _following(ctx, old, around)
    if found is None:
        raise SeriesEnded
    new = _indexed(old.changed(due_date=found[0].isoformat(), recurrence=found[1]))
    new = new.changed(**ctx.authorship(old.version + 1))
    return _plan(old, new, update(old, new))


def copy_of(task: TaskItem) -> Values:
    """Return the fields of an open copy of ``task``, its checklist unchecked: the first of a series of its own."""
    values = task.attribute_values
    copied = {name: values[name] for name in fields.EDITABLE if name in values} | {"status": "pending"}
    if task.checklist:
        copied["checklist"] = [{"text": text.shown(entry["text"]), "done": False} for entry in task.checklist]
    if task.tags:
        copied["tags"] = [text.shown(tag) for tag in task.tags]
    # A task can be older than what its texts may hold.
    copied |= {
        name: text.shown(copied[name]) for name in ("title", "description", "category") if copied.get(name)
    }
    if task.recurrence and not recurrence.is_valid(task.recurrence):
        copied = {name: value for name, value in copied.items() if name not in {"recurrence", "repeat_from"}}
    return copied


def _need(around: Around, *keys: Key) -> None:
    if missing := [key for key in keys if key not in around]:
        raise Unread(missing)


def _changed(ctx: RequestContext, old: TaskItem, wanted: Values, around: Around) -> TaskItem:
    merged = old.attribute_values | wanted
    if not merged.get("due_date") and "due_time" not in wanted:
        merged["due_time"] = None  # the time of day goes with the day
    if not merged.get("recurrence") and "repeat_from" not in wanted:
        merged["repeat_from"] = None
    _check_together(merged)
    if merged.get("recurrence"):
        merged["recurrence"] = _rule(
            ctx, merged, around, given=wanted.get("recurrence") not in {None, old.recurrence}
        )
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


def _rule(ctx: RequestContext, values: Mapping[str, Any], around: Around, *, given: bool) -> str:
    """Return the rule of a task in the form for its due date; a stored one that cannot be used stays as it is.

    Raises ValidationFailed if a rule that is ``given`` to an open task never comes, or does not suit its due date.
    """
    rule = str(values["recurrence"])
    if not given and not recurrence.is_valid(rule):
        return rule
    if not given and "UNTIL=" not in rule:
        return rule
    start = series_start(values, _local_now(ctx, around, values))
    if not given or values["status"] not in OPEN_STATUSES:
        return recurrence.refitted(rule, start)
    try:
        return recurrence.fitted(rule, start)
    except recurrence.InvalidRule as error:
        raise fields.refused_rule(error) from None


def series_start(values: Mapping[str, Any], here: datetime) -> recurrence.Start:
    """Return when a task's series starts: its due date, else today.

    Parameters
    ----------
    values
        Fields of the task.
    here
        The moment, in the person's zone: a time of day without a zone is in that one.
    """
    if not values.get("due_date"):
        return recurrence.Start(here.date())
    day = date.fromisoformat(values["due_date"])
    if not values.get("due_time"):
        return recurrence.Start(day)
    zone = ZoneInfo(values["timezone"]) if values.get("timezone") else here.tzinfo
    return recurrence.Start(day, time.fromisoformat(values["due_time"]), zone)


def _local_now(ctx: RequestContext, around: Around, values: Mapping[str, Any]) -> datetime:
    """Return the moment in the person's zone. Raises Unread where that takes their profile."""
    if ctx.zone is None and not (values.get("due_time") and values.get("timezone")):
        _need(around, user_key(ctx.user_id))
    return today.local_now(ctx, around.get(user_key(ctx.user_id)))


def _following(ctx: RequestContext, task: TaskItem, around: Around) -> tuple[date, str] | None:
    if not task.recurrence or not recurrence.is_valid(task.recurrence):
        return None
    values = task.attribute_values
    here = _local_now(ctx, around, values)
    start = series_start(values, here)
    return recurrence.following(task.recurrence, start, here, from_done=task.repeat_from == "done")


def _next_occurrence(ctx: RequestContext, done: TaskItem, around: Around) -> TaskItem | None:
    found = _following(ctx, done, around)
    if found is None:
        return None
    day, rule = found
    copied = {name: done.attribute_values.get(name) for name in fields.TaskChanges.__annotations__}
    copied |= {"status": "pending", "due_date": day.isoformat(), "recurrence": rule}
    if done.checklist:
        copied["checklist"] = [entry | {"done": False} for entry in done.checklist]
    task = _new_task(ctx, copied, new_id(ctx.now, seed=f"{done.id}#{day}#{done.version}"))
    return task.changed(previous_task_id=done.id)


def delete_task(ctx: RequestContext, task: TaskItem, **changes: Any) -> Plan[TrashItem]:
    """Plan to move ``task`` to the trash, with ``changes``."""
    pk, sk = trash_key(ctx.user_id, task.id)
    trashed = task.copied_as(
        TrashItem,
        PK=pk,
        SK=sk,
        deleted_at=ctx.timestamp,
        deleted_by=ctx.updated_by,
        expires_at=int(ctx.now.timestamp()) + TRASH_KEPT_SECONDS,
        **ctx.authorship(task.version + 1),
        **changes,
    )
    return _move(task, _indexed(trashed))


def restore_task(
    ctx: RequestContext, trashed: TrashItem, around: Around = MappingProxyType({})
) -> Plan[TaskItem]:
    """Plan to move ``trashed`` back from the trash. It no longer repeats if its series went on without it.

    Raises Unread.
    """
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
    if task.recurrence and task.status in OPEN_STATUSES and _is_replaced(ctx, task, around):
        task = task.changed(**_NO_RULE)
    return _move(trashed, _indexed(task))


def _is_replaced(ctx: RequestContext, task: TaskItem, around: Around) -> bool:
    """Return whether the occurrence before ``task`` took the rule of their series back, and left ``task`` its own.

    Completions that were undone before ``next_task_id`` decided did so.
    """
    if not (before := task.previous_task_id):
        return False
    keys = [key_of(ctx.user_id, before) for key_of in (task_key, trash_key)]
    _need(around, *keys)
    return any(found.next_task_id != task.id for found in map(around.get, keys) if found)


def _move(old: TaskItem, new: AnyTask) -> Plan[AnyTask]:
    return _plan(old, new, delete(old), put_new(new))


def purge_task(ctx: RequestContext, trashed: TrashItem) -> Plan[TrashItem]:
    """Plan to delete a task in the trash permanently. Its tombstone stays for as long as the task would have."""
    kept = {name: trashed.attribute_values.get(name) for name in _TOMBSTONE}
    new = TrashItem(**kept, title="", purged_at=ctx.timestamp, **ctx.authorship(trashed.version + 1))
    return _plan(trashed, new, update(trashed, new))

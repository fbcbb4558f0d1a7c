"""The only writers of tasks. Each call validates, then writes once; see ``tasks.profiles`` for people.

A write is conditional on the version that was read. When the condition fails, DynamoDB hands back the item that was in
the way, so the next attempt needs no further read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tasks import fields, idempotency, profiles, table
from tasks.context import RequestContext
from tasks.errors import (
    FieldError,
    IdempotencyInFlight,
    TaskNotFound,
    ValidationFailed,
    VersionConflict,
    WriteContention,
)
from tasks.idempotency import Once, StoredReply
from tasks.ids import is_id, new_id
from tasks.items import INDEX_KEYS, TTL_ATTRIBUTE, TaskItem, task_index_keys, task_key, trash_key
from tasks.profiles import create_profile, ensure_profile, update_profile
from tasks.recurrence import next_occurrence

__all__ = [
    "Once",
    "StoredReply",
    "Written",
    "create_profile",
    "create_task",
    "delete_task",
    "ensure_profile",
    "restore_task",
    "update_profile",
    "update_task",
]

TRASH_KEPT_SECONDS = 30 * 24 * 3600
DEFAULTS = {"status": "pending", "priority": "medium"}
# A deleted task in the trash, or the other way round, differs from the task by these.
_TRASH_ONLY = frozenset({"deleted_at", "deleted_by", TTL_ATTRIBUTE})

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did.

    Attributes
    ----------
    task
        The task as it is now; of a replay, only its key is known.
    reply
        The answer that was stored under the idempotency key, if there was one.
    replayed
        Whether an earlier request had done the work.
    """

    task: TaskItem
    reply: StoredReply | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """One attempt: the task as it will be, and the actions; the first is about the task itself."""

    task: TaskItem
    actions: list[table.Action]


_Planner = Callable[[Values], _Plan]


def create_task(ctx: RequestContext, given: Mapping[str, Any], *, once: Once | None = None) -> Written:
    """Create a task for ``ctx.user_id``. One request to DynamoDB, a replay included.

    Parameters
    ----------
    given
        Fields as in ``tasks.fields.NewTask``.
    once
        Do it once for this idempotency key, and store the reply.

    Raises
    ------
    ValidationFailed, IdempotencyMismatch, IdempotencyInFlight, WriteContention
    """
    values = DEFAULTS | fields.clean(fields.NEW_TASK, given)
    _check_together(values)
    task = TaskItem.of(_new_task(ctx, values, new_id(ctx.now)))
    actions = [table.put_new(task.attribute_values), *profiles.first_sight(ctx)]
    plan = _Plan(task, actions)
    for attempt in range(table.MAX_ATTEMPTS):
        try:
            written = _carry_out(ctx, plan, once)
            profiles.seen(ctx)
            return written
        except table.ConditionFailed as failure:
            if replayed := _replayed(ctx, once, failure.blockers[-1] if once else None):
                return replayed
            # The id is new: the task is there because the network lost the answer to an attempt of our own.
            if failure.blockers[0]:
                return Written(task)
        except table.Contended:
            table.pause(attempt)
    raise _gave_up(once)


def update_task(
    ctx: RequestContext,
    task_id: str,
    changes: Mapping[str, Any],
    *,
    if_version: int | None = None,
    once: Once | None = None,
) -> Written:
    """Change some fields of a task; None clears an optional one. Two requests to DynamoDB, a replay one.

    ``completed_at`` follows the status. Completing a recurring task creates its next occurrence in the same
    transaction, once. A change that changes nothing writes nothing.

    Raises
    ------
    TaskNotFound, VersionConflict (it is not at ``if_version``), and what ``create_task`` raises
    """
    wanted = fields.clean(fields.TASK_CHANGES, changes)
    return _modify(ctx, task_key, task_id, if_version, once, lambda old: _plan_update(ctx, old, wanted))


def delete_task(
    ctx: RequestContext, task_id: str, *, if_version: int | None = None, once: Once | None = None
) -> Written:
    """Move a task to the trash, where it stays for 30 days. Two requests to DynamoDB, a replay one.

    Raises what ``update_task`` raises.
    """
    return _modify(
        ctx, task_key, task_id, if_version, once, lambda old: _plan_move(ctx, old, _trashed(ctx, old))
    )


def restore_task(ctx: RequestContext, task_id: str) -> Written:
    """Bring a task back from the trash, under its old id. Two requests to DynamoDB. Raises TaskNotFound."""
    return _modify(ctx, trash_key, task_id, None, None, lambda old: _plan_move(ctx, old, _restored(ctx, old)))


# --- Reading, trying, trying again ---------------------------------------------------------------------------


def _modify(
    ctx: RequestContext,
    key_of: Callable[[str, str], table.Key],
    task_id: str,
    if_version: int | None,
    once: Once | None,
    planner: _Planner,
) -> Written:
    if not is_id(task_id):
        raise TaskNotFound
    key = key_of(ctx.user_id, task_id)
    current, record = _read(ctx, key, once)
    for attempt in range(table.MAX_ATTEMPTS):
        if written := _replayed(ctx, once, record):
            return written
        plan = planner(_expected(ctx, current, if_version))
        try:
            return _carry_out(ctx, plan, once)
        except table.ConditionFailed as failure:
            if _is_ours(plan.task, failure.blockers[0]):
                return Written(plan.task)
            current, record = _after_failure(current, once, failure)
        except table.Contended:
            table.pause(attempt)
            current, record = _read(ctx, key, once)
    raise _gave_up(once)


def _read(ctx: RequestContext, key: table.Key, once: Once | None) -> tuple[Values | None, Values | None]:
    if once is None:
        return table.get(key), None
    task, record = table.get_all(key, idempotency.record_key(ctx, once))
    return task, record


def _expected(ctx: RequestContext, current: Values | None, if_version: int | None) -> Values:
    if not current or current.get(TTL_ATTRIBUTE, ctx.now.timestamp() + 1) <= ctx.now.timestamp():
        raise TaskNotFound
    if if_version is not None and current["version"] != if_version:
        raise VersionConflict(current["version"])
    return current


def _carry_out(ctx: RequestContext, plan: _Plan, once: Once | None) -> Written:
    if once is None:
        if plan.actions[0].keys() != {"ConditionCheck"}:
            table.write(plan.actions)
        return Written(plan.task)
    reply = once.reply(plan.task)
    table.write([*plan.actions, idempotency.record(ctx, once, plan.task, reply)])
    return Written(plan.task, reply)


def _after_failure(
    current: Values | None, once: Once | None, failure: table.ConditionFailed
) -> tuple[Values | None, Values | None]:
    task = failure.blockers[0]
    return current if task is None else task, failure.blockers[-1] if once else None


def _is_ours(task: TaskItem, found: Values | None) -> bool:
    """Whether ``found`` is what this very request wrote, when the network lost the answer to an earlier attempt."""
    written = task.attribute_values
    return bool(found) and all(
        (found or {}).get(name) == written[name]
        for name in ("version", "request_id", "updated_at", "SK", "PK")
    )


def _replayed(ctx: RequestContext, once: Once | None, record: Values | None) -> Written | None:
    reply = idempotency.replay(ctx, once, record)
    if reply is None or record is None:
        return None
    return Written(
        TaskItem.of({"PK": record["resource_pk"], "SK": record["resource_sk"]}), reply, replayed=True
    )


def _gave_up(once: Once | None) -> WriteContention:
    return IdempotencyInFlight() if once else WriteContention()


# --- What is written -----------------------------------------------------------------------------------------


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


def _plan_update(ctx: RequestContext, old: Values, wanted: Values) -> _Plan:
    new = _changed(ctx, old, wanted)
    if new == old:
        return _Plan(TaskItem.of(old), [table.unchanged(old)])
    following = _next_occurrence(ctx, old, new)
    if following:
        new["next_task_id"] = following["id"]
    new |= ctx.authorship(old["version"] + 1)
    actions = [table.update(old, new)]
    if following:
        actions.append(table.put_new(following))
    return _Plan(TaskItem.of(new), actions)


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
        message = "A time of day needs a due date."
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


def _plan_move(ctx: RequestContext, old: Values, new: Values) -> _Plan:
    return _Plan(TaskItem.of(new), [table.delete(old), table.put_new(new)])


def _trashed(ctx: RequestContext, task: Values) -> Values:
    pk, sk = trash_key(ctx.user_id, task["id"])
    return {
        **{name: value for name, value in task.items() if name not in INDEX_KEYS},
        **ctx.authorship(task["version"] + 1),
        "PK": pk,
        "SK": sk,
        "entity_type": "TRASH",
        "deleted_at": ctx.timestamp,
        "deleted_by": ctx.updated_by,
        TTL_ATTRIBUTE: int(ctx.now.timestamp()) + TRASH_KEPT_SECONDS,
    }


def _restored(ctx: RequestContext, trashed: Values) -> Values:
    pk, sk = task_key(ctx.user_id, trashed["id"])
    task = {name: value for name, value in trashed.items() if name not in _TRASH_ONLY}
    task |= {"PK": pk, "SK": sk, "entity_type": "TASK", **ctx.authorship(trashed["version"] + 1)}
    return task | task_index_keys(task)

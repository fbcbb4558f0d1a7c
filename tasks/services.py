"""The only writers of tasks. Each call validates, then writes once; see ``identity.profiles`` for people.

A write is conditional on the version that was read. When the condition fails, DynamoDB hands back the item that was in
the way, so the next attempt needs no further read.
"""

from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from identity import profiles
from store import calls, idempotency, validation
from store.context import RequestContext
from store.errors import IdempotencyInFlight, VersionConflict, WriteContention
from store.idempotency import Once, StoredReply
from store.schema import TTL_ATTRIBUTE
from tasks import fields, plans
from tasks.errors import TaskNotFound
from tasks.ids import is_id
from tasks.items import TaskItem, task_key, trash_key
from tasks.plans import Plan

__all__ = [
    "Once",
    "StoredReply",
    "Written",
    "create_task",
    "delete_task",
    "empty_trash",
    "purge_task",
    "restore_task",
    "take_back",
    "update_task",
]

Values = dict[str, Any]
# Emptying the trash goes on until so many tasks are gone; a transaction holds at most 100 actions.
EMPTIED, EMPTIED_AT_ONCE = 1000, 40


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


_Planner = Callable[[Values], Plan]
# The version a task must have, or one of several.
Versions = int | Container[int] | None


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
    plan = plans.create(ctx, given)
    plan.actions.extend(profiles.first_sight(ctx))
    for attempt in range(calls.MAX_ATTEMPTS):
        try:
            written = _carry_out(ctx, plan, once)
            profiles.seen(ctx)
            return written
        except calls.ConditionFailed as failure:
            if replayed := _replayed(ctx, once, failure.blockers[-1] if once else None):
                return replayed
            # The id is new: the task is there because the network lost the answer to an attempt of our own.
            if failure.blockers[0]:
                return Written(plan.task)
        except calls.Contended:
            calls.pause(attempt)
    raise _gave_up(once)


def update_task(
    ctx: RequestContext,
    task_id: str,
    changes: Mapping[str, Any],
    *,
    if_version: Versions = None,
    echoed: Mapping[str, Any] | None = None,
    once: Once | None = None,
) -> Written:
    """Change some fields of a task; None clears an optional one. Two requests to DynamoDB, a replay one.

    ``completed_at`` follows the status. Completing a recurring task creates its next occurrence in the same
    transaction, once. A change that changes nothing writes nothing.

    Parameters
    ----------
    changes
        Fields as in ``tasks.fields.TaskChanges``.
    if_version
        The version the task must have, or several.
    echoed
        Fields that only we set (``store.versions.READ_ONLY``), which must be as they are.

    Raises
    ------
    TaskNotFound, VersionConflict (it is not at ``if_version``), and what ``create_task`` raises
    """
    wanted = validation.clean(fields.TASK_CHANGES, changes)
    return _modify(
        ctx, task_key, task_id, if_version, once, lambda old: plans.update(ctx, old, wanted, echoed)
    )


def take_back(
    ctx: RequestContext, task_id: str, changes: Mapping[str, Any], *, if_version: Versions = None
) -> Written:
    """Change a task as ``update_task`` does, to undo something. Three requests to DynamoDB if it recurs.

    The next occurrence of a completed task that is open again goes to the trash, unless it was changed since.
    """
    wanted = validation.clean(fields.TASK_CHANGES, changes)
    old = calls.get(task_key(ctx.user_id, task_id)) if is_id(task_id) else None
    if old and old["status"] == "completed" != wanted.get("status", "completed") and "next_task_id" in old:
        following = calls.get(task_key(ctx.user_id, old["next_task_id"]))
        if following and following["version"] == 1:
            plan = plans.take_back(ctx, expected(ctx, old, if_version), wanted, following)
            with suppress(calls.ConditionFailed, calls.Contended):
                return _carry_out(ctx, plan, None)
    return update_task(ctx, task_id, changes, if_version=if_version)


def delete_task(
    ctx: RequestContext, task_id: str, *, if_version: Versions = None, once: Once | None = None
) -> Written:
    """Move a task to the trash, where it stays for 30 days. Two requests to DynamoDB, a replay one.

    Raises what ``update_task`` raises.
    """
    return _modify(ctx, task_key, task_id, if_version, once, partial(plans.delete, ctx))


def restore_task(
    ctx: RequestContext, task_id: str, *, if_version: Versions = None, once: Once | None = None
) -> Written:
    """Bring a task back from the trash, under its old id. Two requests to DynamoDB, a replay one.

    Raises what ``update_task`` raises.
    """
    return _modify(ctx, trash_key, task_id, if_version, once, partial(plans.restore, ctx))


def purge_task(
    ctx: RequestContext, task_id: str, *, if_version: Versions = None, once: Once | None = None
) -> Written:
    """Delete a task in the trash for good. Two requests to DynamoDB, a replay one.

    Raises what ``update_task`` raises.
    """
    return _modify(ctx, trash_key, task_id, if_version, once, partial(plans.purge, ctx))


def empty_trash(ctx: RequestContext) -> tuple[int, bool]:
    """Delete what is in the trash for good, ``EMPTIED`` tasks of it at most; how many, and whether there is more.

    One Query a page of ``EMPTIED_AT_ONCE`` tasks, and one transaction. A task that is restored meanwhile stays.
    """
    done = 0
    start: dict[str, str] = {}
    while done < EMPTIED:
        items, start = calls.query(
            {":pk": f"TRASH#{ctx.user_id}", ":now": int(ctx.now.timestamp())},
            start,
            KeyConditionExpression="PK = :pk",
            FilterExpression="attribute_not_exists(purged_at) AND expires_at > :now",
            ConsistentRead=True,
            Limit=EMPTIED_AT_ONCE,
        )
        done += _purge_all(ctx, items)
        if not start:
            return done, False
    return done, True


def _purge_all(ctx: RequestContext, items: list[Values]) -> int:
    """Purge all of ``items`` at once or, if one of them changes meanwhile, one by one; how many."""
    planned = [plans.purge(ctx, item).recorded(ctx) for item in items]
    try:
        if planned:
            calls.write([action for actions in planned for action in actions])
        return len(items)
    except (calls.ConditionFailed, calls.Contended):
        return sum(_purged(ctx, item) for item in items)


def _purged(ctx: RequestContext, item: Values) -> bool:
    try:
        purge_task(ctx, item["id"], if_version=item["version"])
    except (TaskNotFound, VersionConflict, WriteContention):
        return False
    return True


# --- Reading, trying, trying again ---------------------------------------------------------------------------


def _modify(
    ctx: RequestContext,
    key_of: Callable[[str, str], calls.Key],
    task_id: str,
    if_version: Versions,
    once: Once | None,
    planner: _Planner,
) -> Written:
    if not is_id(task_id):
        raise TaskNotFound
    key = key_of(ctx.user_id, task_id)
    current, record = _read(ctx, key, once)
    for attempt in range(calls.MAX_ATTEMPTS):
        if written := _replayed(ctx, once, record):
            return written
        plan = planner(expected(ctx, current, if_version))
        try:
            return _carry_out(ctx, plan, once)
        except calls.ConditionFailed as failure:
            if _is_ours(plan.task, failure.blockers[0]):
                return Written(plan.task)
            current, record = _after_failure(current, once, failure)
        except calls.Contended:
            calls.pause(attempt)
            current, record = _read(ctx, key, once)
    raise _gave_up(once)


def _read(ctx: RequestContext, key: calls.Key, once: Once | None) -> tuple[Values | None, Values | None]:
    if once is None:
        return calls.get(key), None
    task, record = calls.get_all(key, idempotency.record_key(ctx, once))
    return task, record


def expected(ctx: RequestContext, current: Values | None, if_version: Versions) -> Values:
    """Return the item that was read, if it is there for its owner and at the demanded version.

    Raises TaskNotFound, VersionConflict.
    """
    now = ctx.now.timestamp()
    if not current or current.get(TTL_ATTRIBUTE, now + 1) <= now or "purged_at" in current:
        raise TaskNotFound
    wanted = (if_version,) if isinstance(if_version, int) else if_version
    if wanted is not None and current["version"] not in wanted:
        raise VersionConflict(current["version"])
    return current


def _carry_out(ctx: RequestContext, plan: Plan, once: Once | None) -> Written:
    if once is None:
        if not plan.changes_nothing:
            calls.write(plan.recorded(ctx))
        return Written(plan.task)
    reply = once.reply(plan.task)
    calls.write([*plan.recorded(ctx), idempotency.record(ctx, once, plan.task, reply)])
    return Written(plan.task, reply)


def _after_failure(
    current: Values | None, once: Once | None, failure: calls.ConditionFailed
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

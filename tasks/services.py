"""The only writers of tasks. Each call validates, then writes once; ``store.commit`` handles conflicts."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from identity import profiles
from identity.items import UserItem, user_key
from store import reading, validation
from store.commit import Committed, Plan, Replayed, commit
from store.errors import VersionConflict
from store.idempotency import IdempotencyItem, Once, Slot, StoredReply
from store.model import Item, Key
from store.request_context import RequestContext
from store.writing import Action, ConditionFailed
from tasks import fields, write_plans
from tasks.errors import TaskNotFound
from tasks.ids import is_id
from tasks.items import TaskItem, TrashItem, task_key, trash_key
from tasks.write_plans import Around

# Emptying the trash stops after so many tasks; a transaction holds at most 100 actions.
EMPTIED, EMPTIED_AT_ONCE = 1000, 40

Result = TypeVar("Result")
AnyTask = TypeVar("AnyTask", bound=TaskItem)
# The version a task must have, or several that it may have.
Versions = int | Container[int] | None


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a write.

    Attributes
    ----------
    task
        The task as it is now. For a replay only its key is known.
    reply
        The reply stored under the idempotency key, if there was one.
    replayed
        Whether an earlier request had done the work.
    """

    task: TaskItem
    reply: StoredReply | None = None
    replayed: bool = False


def create_task(ctx: RequestContext, given: Mapping[str, Any], *, once: Once | None = None) -> Written:
    """Create a task for ``ctx.user_id``. One request to DynamoDB, a replay included (see ``plan_create``).

    Parameters
    ----------
    given
        Fields as in ``tasks.fields.NewTask``.
    once
        The idempotency key: do it once, and store the reply.

    Raises
    ------
    ValidationFailed, IdempotencyMismatch, IdempotencyInFlight, WriteContention
    """
    return create_planned(ctx, plan_create(ctx, given), once=once)


def create_planned(ctx: RequestContext, plan: Plan[TaskItem], *, once: Once | None = None) -> Written:
    """Create the task that was planned. One request to DynamoDB. Raises what ``create_task`` raises."""
    profile = profiles.first_sight(ctx)
    plan = replace(plan, actions=[*plan.actions, *profile])
    written = _written(commit(ctx, plan, slot=once and Slot(ctx, once)))
    if profile and not written.replayed:
        profiles.seen(ctx)
    return written


def plan_create(ctx: RequestContext, given: Mapping[str, Any], task_id: str | None = None) -> Plan[TaskItem]:
    """Plan a new task. One GetItem of the profile if its rule depends on the person's zone and the request has none.

    Raises ValidationFailed.
    """
    try:
        return write_plans.create_task(ctx, given, task_id)
    except write_plans.Unread as unread:
        (profile,) = unread.keys
        return write_plans.create_task(ctx, given, task_id, {profile: reading.get(UserItem, profile)})


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
    transaction, unless it exists, and opening it again withdraws that (three requests): a series has one open
    occurrence. A change that changes nothing writes nothing.

    Parameters
    ----------
    changes
        Fields as in ``tasks.fields.TaskChanges``.
    if_version
        The version the task must have, or several.
    echoed
        Read-only fields (``store.versions.READ_ONLY``), which must have their current values.

    Raises
    ------
    TaskNotFound, VersionConflict (it is not at ``if_version``), and what ``create_task`` raises
    """
    wanted = validation.clean(fields.TASK_CHANGES, changes)

    def plan(around: Around, current: TaskItem | None) -> Plan[TaskItem]:
        return write_plans.update_task(ctx, expected(ctx, current, if_version), wanted, echoed, around)

    keys = [_key(task_key, ctx, task_id)]
    return _written(commit_updates(ctx, plan, keys, once, around=profile_key(ctx, wanted)))


def commit_updates(
    ctx: RequestContext,
    plan: Callable[..., Plan[Result]],
    keys: Sequence[Key],
    once: Once | None,
    *,
    around: Sequence[Key] = (),
) -> Committed[Result] | Replayed:
    """Commit updates of the items at ``keys``.

    ``plan`` gets the other items that it depends on, by key, and then the items. Their keys are ``around`` as far as
    they are known; if it turns out that there are more, everything is read again. Parameters and errors are otherwise
    as of ``store.commit``.
    """
    others = list(around)
    actions: Sequence[Action] = ()

    def planned(*found: Item | None) -> Plan[Result]:
        nonlocal actions
        made = plan(dict(zip(others, found[len(keys) :], strict=True)), *found[: len(keys)])
        actions = made.actions
        return made

    while True:
        try:
            return commit(ctx, planned, keys=[*keys, *others], slot=once and Slot(ctx, once))
        except write_plans.Unread as unread:
            new = [key for key in unread.keys if key not in others]
        except ConditionFailed as failure:
            failed = (action.key for action, failed in zip(actions, failure.failed, strict=False) if failed)
            new = [key for key in failed if key not in {*keys, *others}]
            if not new:
                raise
        others += dict.fromkeys(new)


def profile_key(ctx: RequestContext, wanted: Mapping[str, Any]) -> list[Key]:
    """Return the key of the person's profile if a change needs to know their day and the request does not."""
    return [user_key(ctx.user_id)] if ctx.zone is None and wanted.get("status") == "completed" else []


def skip_task(ctx: RequestContext, task_id: str, *, if_version: Versions = None) -> Written:
    """Move a recurring task to its next occurrence without completing it. Two requests to DynamoDB.

    Raises SeriesEnded if there is none, and what ``update_task`` raises.
    """

    def plan(around: Around, current: TaskItem | None) -> Plan[TaskItem]:
        return write_plans.skip_task(ctx, expected(ctx, current, if_version), around)

    profile = [] if ctx.zone else [user_key(ctx.user_id)]
    return _written(commit_updates(ctx, plan, [_key(task_key, ctx, task_id)], None, around=profile))


def duplicate_task(ctx: RequestContext, task: TaskItem, *, once: Once | None = None) -> Written:
    """Create an open copy of ``task``, its checklist unchecked. Requests and errors as of ``create_task``."""
    return create_task(ctx, write_plans.copy_of(task), once=once)


def delete_task(
    ctx: RequestContext, task_id: str, *, if_version: Versions = None, once: Once | None = None
) -> Written:
    """Move a task to the trash, where it stays for 30 days. Two requests to DynamoDB, a replay one.

    Raises what ``update_task`` raises.
    """
    return _move(ctx, task_key, write_plans.delete_task, task_id, if_version, once)


def restore_task(
    ctx: RequestContext, task_id: str, *, if_version: Versions = None, once: Once | None = None
) -> Written:
    """Bring a task back from the trash, under its old id. Two requests to DynamoDB, a replay one.

    Three for an occurrence of a series, which has no rule if the one before took that back. Raises what
    ``update_task`` raises.
    """

    def plan(around: Around, current: TrashItem | None) -> Plan[TaskItem]:
        return write_plans.restore_task(ctx, expected(ctx, current, if_version), around)

    return _written(commit_updates(ctx, plan, [_key(trash_key, ctx, task_id)], once))


def purge_task(
    ctx: RequestContext, task_id: str, *, if_version: Versions = None, once: Once | None = None
) -> Written:
    """Delete a task in the trash permanently; a tombstone stays. Two requests to DynamoDB, a replay one.

    Raises what ``update_task`` raises.
    """
    return _move(ctx, trash_key, write_plans.purge_task, task_id, if_version, once)


def empty_trash(ctx: RequestContext) -> tuple[int, bool]:
    """Permanently delete at most ``EMPTIED`` tasks in the trash. Return how many, and whether there are more.

    One Query a page of ``EMPTIED_AT_ONCE`` tasks, and one transaction. A task that is restored meanwhile stays.
    """
    done = 0
    start: dict[str, str] = {}
    while done < EMPTIED:
        page = reading.query(
            TrashItem,
            f"TRASH#{ctx.user_id}",
            filter_condition=TrashItem.kept_at(ctx.now.timestamp()),
            start=start,
            limit=EMPTIED_AT_ONCE,
        )
        start = page.last
        done += _purge_all(ctx, page.items)
        if not start:
            return done, False
    return done, True


def _purge_all(ctx: RequestContext, tasks: Sequence[TrashItem]) -> int:
    """Purge those of ``tasks`` that are still in the trash; return how many."""

    def plan(*found: TrashItem | None) -> Plan[int]:
        now = ctx.now.timestamp()
        purges = [write_plans.purge_task(ctx, task) for task in found if task and task.is_kept(now)]
        return write_plans.together(len(purges), purges)

    return commit(ctx, plan, keys=[task.key for task in tasks], known=tasks).result


def _key(key_of: Callable[[str, str], Key], ctx: RequestContext, task_id: str) -> Key:
    if not is_id(task_id):
        raise TaskNotFound
    return key_of(ctx.user_id, task_id)


def _move(
    ctx: RequestContext,
    key_of: Callable[[str, str], Key],
    planner: Callable[[RequestContext, Any], Plan[Any]],
    task_id: str,
    if_version: Versions,
    once: Once | None,
) -> Written:
    def plan(current: TaskItem | None) -> Plan[Any]:
        return planner(ctx, expected(ctx, current, if_version))

    return _written(commit(ctx, plan, keys=[_key(key_of, ctx, task_id)], slot=once and Slot(ctx, once)))


def expected(ctx: RequestContext, current: AnyTask | None, if_version: Versions) -> AnyTask:
    """Return the task that was read, if it is there and has the wanted version.

    Raises TaskNotFound, VersionConflict.
    """
    if current is None or not current.is_kept(ctx.now.timestamp()):
        raise TaskNotFound
    wanted = (if_version,) if isinstance(if_version, int) else if_version
    if wanted is not None and current.version not in wanted:
        raise VersionConflict(current.version)
    return current


def _written(done: Committed[Any] | Replayed) -> Written:
    if isinstance(done, Replayed):
        record = cast("IdempotencyItem", done.record)
        return Written(TaskItem(PK=record.resource_pk, SK=record.resource_sk), done.reply, replayed=True)
    return Written(done.result, done.reply)

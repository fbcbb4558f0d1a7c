"""Several changes in one go: those that can be done are done in one transaction, the others are refused one by one.

Whatever the number of operations, it takes one read (none if all of them create) and one write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from identity import profiles
from store import validation
from store.commit import Plan, Replayed
from store.errors import DomainError, FieldError, ValidationFailed
from store.idempotency import Once, StoredReply
from store.model import Key
from store.request_context import RequestContext
from tasks import fields, services, write_plans
from tasks.errors import TaskNotFound
from tasks.ids import is_id
from tasks.items import TaskItem, task_key, trash_key
from tasks.write_plans import Around, Unread

MAX_OPERATIONS = 25


@dataclass(frozen=True, slots=True)
class Operation:
    """One change.

    Attributes
    ----------
    kind
        ``create``, ``update``, ``delete`` or ``restore``.
    task_id
        Of an existing task.
    given
        The fields of a create or an update.
    if_version, echoed
        As of ``services.update_task``.
    """

    kind: str
    task_id: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    if_version: services.Versions = None
    echoed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one operation: the task as it is now, or the reason for the refusal."""

    operation: Operation
    task: TaskItem | None = None
    error: DomainError | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The outcomes of a batch in the order of its operations, or the reply of an earlier request."""

    outcomes: list[Outcome]
    reply: StoredReply | None = None
    replayed: bool = False


# Plans an operation, given other items by key, and the item that was read.
_Planner = Callable[[Around, TaskItem | None], Plan[Any]]


def run(ctx: RequestContext, operations: Sequence[Operation], *, once: Once | None = None) -> Done:
    """Do all ``operations`` that can be done, in one transaction.

    ``once.reply`` gets the list of outcomes. A batch of which nothing can be done is not remembered.

    Raises IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    planners = [_planner(ctx, operation) for operation in _without_repeats(operations)]
    keys = [key for key, _ in planners if key]

    def plan(around: Around, *found: TaskItem | None) -> Plan[list[Outcome]]:
        current = dict(zip(keys, found, strict=True))
        outcomes: list[Outcome] = []
        made: list[Plan[Any]] = []
        unread: list[Key] = []
        touched: set[Key] = set()
        for operation, (key, planner) in zip(operations, planners, strict=True):
            try:
                planned = planner(around, current[key] if key else None)
                _check_apart(planned, touched, keys)
            except Unread as needed:
                unread += needed.keys
            except DomainError as error:
                outcomes.append(Outcome(operation, error=error))
            else:
                made.append(planned)
                outcomes.append(Outcome(operation, planned.result))
        if unread:
            raise Unread(unread)
        whole = write_plans.together(outcomes, made)
        creates = any(outcome.operation.kind == "create" and outcome.task for outcome in outcomes)
        return replace(whole, actions=[*whole.actions, *profiles.first_sight(ctx)]) if creates else whole

    given = (operation.given for operation in operations)
    profile = next(filter(None, (services.profile_key(ctx, changes) for changes in given)), ())
    done = services.commit_updates(ctx, plan, keys, once, around=profile)
    if isinstance(done, Replayed):
        return Done([], done.reply, replayed=True)
    if any(outcome.operation.kind == "create" and outcome.task for outcome in done.result):
        profiles.seen(ctx)
    return Done(done.result, done.reply)


def _check_apart(planned: Plan[Any], touched: set[Key], keys: Sequence[Key]) -> None:
    """Refuse an operation that also writes a task of another one, as completing and reopening may do."""
    own, *others = (action.key for action in planned.actions)
    if own in touched or any(key in touched or key in keys for key in others):
        raise _refusal("id", "This batch has another operation on it, or on an occurrence of its series.")
    touched.update((own, *others))


def _without_repeats(operations: Sequence[Operation]) -> list[Operation | DomainError]:
    """Refuse a second operation on the same task: a transaction can touch an item only once."""
    seen: set[str] = set()
    checked: list[Operation | DomainError] = []
    for operation in operations:
        repeated = operation.task_id in seen
        checked.append(
            _refusal("id", "This batch has an earlier operation on it.") if repeated else operation
        )
        seen |= {operation.task_id} - {""}
    return checked


def _refusal(name: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldError(field=name, message=message, code="duplicate")])


def _planner(ctx: RequestContext, operation: Operation | DomainError) -> tuple[Key | None, _Planner]:
    """Return the key of the item to read first, if any, and what plans the operation."""
    try:
        if isinstance(operation, DomainError):
            raise operation
        if operation.kind == "create":
            created = services.plan_create(ctx, operation.given)
            return None, lambda around, _: created
        if not is_id(operation.task_id):
            raise TaskNotFound
        key_of = trash_key if operation.kind == "restore" else task_key
        change = _change(ctx, operation)
    except DomainError as error:
        return None, partial(_refuse, error)
    return key_of(ctx.user_id, operation.task_id), lambda around, current: change(
        services.expected(ctx, current, operation.if_version), around
    )


def _refuse(error: DomainError, around: Around, current: TaskItem | None) -> Plan[Any]:
    raise error


def _change(ctx: RequestContext, operation: Operation) -> Callable[[Any, Around], Plan[Any]]:
    if operation.kind == "update":
        wanted = validation.clean(fields.TASK_CHANGES, operation.given)
        return lambda old, around: write_plans.update_task(ctx, old, wanted, operation.echoed, around)
    if operation.kind == "restore":
        return lambda old, around: write_plans.restore_task(ctx, old, around)
    return lambda old, _: write_plans.delete_task(ctx, old)

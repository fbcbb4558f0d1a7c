"""Several changes in one go: those that can be done are done in one transaction, the others are refused one by one.

Whatever the number of operations, it takes one read (none if all of them create) and one write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from identity import profiles
from store import calls, idempotency, validation
from store.context import RequestContext
from store.errors import DomainError, FieldError, IdempotencyInFlight, ValidationFailed, WriteContention
from store.idempotency import Once, StoredReply
from tasks import fields, plans, services
from tasks.errors import TaskNotFound
from tasks.ids import is_id, new_id
from tasks.items import TaskItem, task_key, trash_key
from tasks.plans import Plan

MAX_OPERATIONS = 25

Values = dict[str, Any]


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
    """What became of one operation: the task as it is now, or why it was refused."""

    operation: Operation
    task: TaskItem | None = None
    error: DomainError | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch: the outcomes in the order of the operations, or the reply of an earlier request."""

    outcomes: list[Outcome]
    reply: StoredReply | None = None
    replayed: bool = False


_Make = Callable[[Values | None], Plan]


def run(ctx: RequestContext, operations: Sequence[Operation], *, once: Once | None = None) -> Done:
    """Do all ``operations`` that can be done, in one transaction.

    ``once.reply`` gets the list of outcomes. A batch of which nothing can be done is not remembered.

    Raises IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    makers = [_maker(ctx, operation) for operation in _without_repeats(operations)]
    keys = [key for key, _ in makers]
    found, record = _read(ctx, keys, once)
    for attempt in range(calls.MAX_ATTEMPTS):
        if reply := idempotency.replay(ctx, once, record):
            return Done([], reply, replayed=True)
        outcomes, made = _plan(operations, makers, found)
        try:
            return Done(outcomes, _write(ctx, outcomes, made, once) if made else None)
        except calls.ConditionFailed as failure:
            if any(_is_ours(ctx, blocker) for blocker in failure.blockers):
                return Done(outcomes)
            record = failure.blockers[-1] if once else None
            if record:
                continue
        except calls.Contended:
            pass
        calls.pause(attempt)
        found, record = _read(ctx, keys, once, again=True)
    raise IdempotencyInFlight if once else WriteContention


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


def _maker(ctx: RequestContext, operation: Operation | DomainError) -> tuple[calls.Key | None, _Make]:
    """Return the key of the item to read first, and what makes the plan of what was read."""
    try:
        if isinstance(operation, DomainError):
            raise operation
        if operation.kind == "create":
            made = plans.create(ctx, operation.given, new_id(ctx.now))
            return None, lambda _: made
        if not is_id(operation.task_id):
            raise TaskNotFound
        key_of = trash_key if operation.kind == "restore" else task_key
        change = _change(ctx, operation)
    except DomainError as error:
        return None, partial(_refuse, error)
    return key_of(ctx.user_id, operation.task_id), lambda current: change(
        services.expected(ctx, current, operation.if_version)
    )


def _refuse(error: DomainError, _: Values | None) -> Plan:
    raise error


def _change(ctx: RequestContext, operation: Operation) -> Callable[[Values], Plan]:
    if operation.kind == "update":
        wanted = validation.clean(fields.TASK_CHANGES, operation.given)
        return lambda old: plans.update(ctx, old, wanted, operation.echoed)
    return partial(plans.delete if operation.kind == "delete" else plans.restore, ctx)


def _read(
    ctx: RequestContext, keys: Sequence[calls.Key | None], once: Once | None, *, again: bool = False
) -> tuple[dict[calls.Key, Values | None], Values | None]:
    """Return the items by their keys, and the idempotency record.

    A batch that only creates learns of the record when it writes, so at first it reads nothing.
    """
    wanted = [key for key in keys if key]
    if once and (wanted or again):
        *items, record = calls.get_all(*wanted, idempotency.record_key(ctx, once))
        return dict(zip(wanted, items, strict=True)), record
    return dict(zip(wanted, calls.get_all(*wanted), strict=True)) if wanted else {}, None


def _plan(
    operations: Sequence[Operation],
    makers: Sequence[tuple[calls.Key | None, _Make]],
    found: Mapping[calls.Key, Values | None],
) -> tuple[list[Outcome], list[Plan]]:
    outcomes: list[Outcome] = []
    made: list[Plan] = []
    for operation, (key, make) in zip(operations, makers, strict=True):
        try:
            plan = make(found.get(key) if key else None)
        except DomainError as error:
            outcomes.append(Outcome(operation, error=error))
        else:
            made.append(plan)
            outcomes.append(Outcome(operation, plan.task))
    return outcomes, made


def _write(
    ctx: RequestContext, outcomes: list[Outcome], made: Sequence[Plan], once: Once | None
) -> StoredReply | None:
    actions = [action for plan in made for action in plan.recorded(ctx)]
    creates = any(outcome.operation.kind == "create" and outcome.task for outcome in outcomes)
    actions += profiles.first_sight(ctx) if creates else []
    reply = None
    if once:
        reply = once.reply(outcomes)
        first, *more = [plan.task for plan in made]
        actions.append(idempotency.record(ctx, once, first, reply, more))
    if reply or not all(plan.changes_nothing for plan in made):
        calls.write(actions)
    if creates:
        profiles.seen(ctx)
    return reply


def _is_ours(ctx: RequestContext, found: Values | None) -> bool:
    """Whether ``found`` was written by this very request, when the network lost the answer to an earlier attempt."""
    return bool(found) and ((found or {}).get("request_id"), (found or {}).get("updated_at")) == (
        ctx.request_id,
        ctx.timestamp,
    )

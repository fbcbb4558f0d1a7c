"""The one way a domain writes: plan, write, and plan again when something got in between.

A caller names the items that its plan depends on, and a function that plans the write from them. ``commit`` reads them,
adds the entries of the audit trail and the record of the idempotency key, and writes all of it in one request. When a
condition fails, the next plan is made from the items that were in the way, without reading again. When that fails as
well, others write without pause: the next attempts wait a random while and read again, so that each of many gets its
turn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, overload

from store import attempts
from store.attempts import MAX_ATTEMPTS
from store.errors import IdempotencyInFlight, WriteContention
from store.model import Item, Key
from store.reading import get, get_all
from store.writing import Action, ConditionFailed, Contended, pause, write

Result = TypeVar("Result")
# So many times a plan is made again at once, from the items that were in the way.
IN_A_ROW = 2


class Change(NamedTuple):
    """One item before a write (None if it is new) and after it (None if it goes)."""

    before: Item | None
    after: Item | None


@dataclass(frozen=True, slots=True)
class Plan(Generic[Result]):
    """One attempt.

    Attributes
    ----------
    result
        What the caller gets once it is written.
    actions
        What to write. Nothing is if there are none or, without a slot, if they only check.
    changes
        What the audit trail is told. By their ``after`` a write is recognised whose answer was lost.
    resources
        Keys of the items that an idempotency record leads to.
    """

    result: Result
    actions: Sequence[Action] = ()
    changes: Sequence[Change] = ()
    resources: Sequence[Key] = ()


@dataclass(frozen=True, slots=True)
class Committed(Generic[Result]):
    """The plan is written, and ``reply`` is stored with it (None without a slot)."""

    result: Result
    reply: Any = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """An earlier request did the work and stored ``reply``; ``record`` is the item that holds it."""

    reply: Any
    record: Item


class Recorder(Protocol):
    """Knows whether writes are recorded in the audit trail: a RequestContext."""

    @property
    def trail(self) -> Callable[[Any, Any, Any], Sequence[Action]] | None:
        """Given the recorder and an item before and after a write (None: it is not there), actions that record it."""


class Slot(Protocol):
    """The place of one idempotency key's record."""

    @property
    def key(self) -> Key:
        """PK and SK of the record."""

    def record(self, plan: Plan[Any]) -> tuple[Action, Any]:
        """Return the action that stores the reply to ``plan`` and fails if there is an earlier one, and the reply."""

    def replay(self, record: Item) -> Any | None:
        """Return the reply in ``record``, or None if it has expired. May raise if another request was made."""


@overload
def commit(
    ctx: Recorder | None,
    plan: Callable[..., Plan[Result]] | Plan[Result],
    *,
    keys: Sequence[Key] = ...,
    known: Sequence[Item | None] | None = ...,
    slot: None = ...,
) -> Committed[Result]: ...
@overload
def commit(
    ctx: Recorder | None,
    plan: Callable[..., Plan[Result]] | Plan[Result],
    *,
    keys: Sequence[Key] = ...,
    known: Sequence[Item | None] | None = ...,
    slot: Slot | None,
) -> Committed[Result] | Replayed: ...
def commit(
    ctx: Recorder | None,
    plan: Callable[..., Plan[Result]] | Plan[Result],
    *,
    keys: Sequence[Key] = (),
    known: Sequence[Item | None] | None = None,
    slot: Slot | None = None,
) -> Committed[Result] | Replayed:
    """Write what ``plan`` returns, or return what an earlier request with the same idempotency key did.

    One request to read (none without ``keys``, or if ``known`` is given) and one to write, unless others write too.

    Parameters
    ----------
    ctx
        Records the plan's changes in the audit trail; None records nothing.
    plan
        Called with the items at ``keys``, in their order (None for one that is not there), once for each attempt. What
        it raises goes to the caller. A Plan, if every attempt has the same.
    keys
        Of the items that the plan depends on. The record is read along with them.
    known
        The items at ``keys`` as far as the caller knows, for the first attempt: nothing is read before it.
    slot
        Where the reply is recorded, to do it once.

    Raises
    ------
    ConditionFailed
        A condition failed about an item that is not among ``keys``, so a new plan would be the same. Its lists begin
        with the plan's actions, in their order.
    WriteContention, IdempotencyInFlight (with a slot)
        Others kept winning for ``MAX_ATTEMPTS`` attempts, or for all that the request has; nothing was written.
    TooLarge
        DynamoDB does not take so much at once; nothing was written.
    """
    try:
        return _commit(ctx, plan, keys, known, slot)
    except Contended:
        raise (IdempotencyInFlight if slot else WriteContention) from None


def _commit(
    ctx: Recorder | None,
    plan: Callable[..., Plan[Result]] | Plan[Result],
    keys: Sequence[Key],
    known: Sequence[Item | None] | None,
    slot: Slot | None,
) -> Committed[Result] | Replayed:
    found, record = _read(keys, slot) if known is None else (list(known), None)
    for attempt in range(MAX_ATTEMPTS):
        if attempt and not attempts.again():
            break
        if replayed := _replay(slot, record):
            return replayed
        planned = plan if isinstance(plan, Plan) else plan(*found)
        actions, reply = _complete(ctx, planned, slot)
        try:
            write(actions)
            return Committed(planned.result, reply)
        except ConditionFailed as failure:
            in_the_way = _in_the_way(actions, failure)
            record = in_the_way.pop(slot.key, None) if slot else None
            if record is None and _is_ours(planned, in_the_way):
                return Committed(planned.result, reply)
            if record is None and in_the_way.keys().isdisjoint(keys):
                raise
            found = [in_the_way.get(key, item) for key, item in zip(keys, found, strict=True)]
            crowded = attempt >= IN_A_ROW
        except Contended:
            crowded = True
        if crowded:
            pause(attempt)
            found, record = _read(keys, slot) if keys else (found, record)
    raise Contended


def _read(keys: Sequence[Key], slot: Slot | None) -> tuple[list[Item | None], Item | None]:
    if not keys:
        return [], None
    if slot:
        *found, record = get_all(Item, [*keys, slot.key])
        return found, record
    return [get(Item, keys[0])] if len(keys) == 1 else get_all(Item, keys), None


def _replay(slot: Slot | None, record: Item | None) -> Replayed | None:
    reply = slot.replay(record) if slot and record else None
    return None if reply is None or record is None else Replayed(reply, record)


def _complete(ctx: Recorder | None, plan: Plan[Any], slot: Slot | None) -> tuple[list[Action], Any]:
    """Return the plan's actions, those that record it in the trail, and the one that records the reply, if any."""
    if not plan.actions or (slot is None and all(action.only_checks for action in plan.actions)):
        return [], None
    actions = list(plan.actions)
    if ctx and ctx.trail:
        actions += [action for change in plan.changes for action in ctx.trail(ctx, *change)]
    if slot is None:
        return actions, None
    record, reply = slot.record(plan)
    return [*actions, record], reply


def _in_the_way(actions: Sequence[Action], failure: ConditionFailed) -> dict[Key, Item | None]:
    outcomes = zip(actions, failure.failed, failure.blockers, strict=True)
    return {action.key: blocker for action, failed, blocker in outcomes if failed}


def _is_ours(plan: Plan[Any], in_the_way: dict[Key, Item | None]) -> bool:
    """Whether an earlier attempt of this very request wrote the plan, and the network lost its answer."""
    written = (change.after for change in plan.changes if change.after)
    return any(in_the_way.get(after.key) == after for after in written)

"""Writes of the table: actions, each about one item, done together or not at all. See ``store.commit`` for retries.

Most actions have a condition. When one does not hold, DynamoDB returns the item that was in the way, so that callers
seldom need to read again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Literal

from botocore.exceptions import ClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as UpdateAction

from store.errors import TooLarge
from store.model import KEYS, TTL_ATTRIBUTE, Item, Key, RawItem, table
from store.sizes import ITEM_BYTES, TRANSACTION_ACTIONS, TRANSACTION_BYTES, item_bytes

_random = SystemRandom()  # copies of one process (SnapStart) must not wait equally long
_ALL_OLD = "ALL_OLD"
_CHECK_FAILED = "ConditionalCheckFailed"
_RACES = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_RACE_ERRORS = frozenset({"TransactionConflictException", "TransactionInProgressException"})


class ConditionFailed(Exception):  # noqa: N818
    """A condition did not hold; nothing was written.

    Attributes
    ----------
    failed
        For each action, whether its condition was one that failed.
    blockers
        For each action, the item that made it fail; None if no item was there, or if it did not fail.
    """

    def __init__(self, failed: list[bool], blockers: list[Item | None]) -> None:
        super().__init__("a condition of the write did not hold")
        self.failed, self.blockers = failed, blockers


class Contended(Exception):  # noqa: N818
    """Other requests hold the items or use up the throughput; nothing was done."""


@dataclass(frozen=True, slots=True)
class Action:
    """One part of a write, about the item at ``key``; ``arguments`` as DynamoDB takes them.

    ``stored`` is the item as it will be, as far as it is known: what DynamoDB measures.
    """

    kind: Literal["Put", "Update", "Delete", "ConditionCheck"]
    key: Key
    arguments: dict[str, Any]
    stored: RawItem

    @property
    def only_checks(self) -> bool:
        """Whether it writes nothing."""
        return self.kind == "ConditionCheck"

    @property
    def size(self) -> int:
        """Bytes of the item; of its key if it goes, or is only looked at."""
        return item_bytes(self.stored)


# --- Actions -------------------------------------------------------------------------------------------------

_ABSENT, _PRESENT = Item.PK.does_not_exist(), Item.PK.exists()


def put_new(item: Item) -> Action:
    """Return the action that stores an item where none is."""
    return _put(item, _ABSENT)


def put(item: Item) -> Action:
    """Return the action that stores an item, whatever was there."""
    return _put(item, None)


def put_over(item: Item) -> Action:
    """Return the action that replaces an item, provided there is one."""
    return _put(item, _PRESENT)


def put_instead(item: Item, old: Item, name: str) -> Action:
    """Return the action that replaces ``old``, provided its attribute ``name`` is still the same."""
    return _put(item, _same(old, name))


def put_over_expired(item: Item, now: int) -> Action:
    """Return the action that stores an item where none is, or one that has expired (epoch seconds ``now``)."""
    return _put(item, _ABSENT | _expired(now))


def put_unless_held(item: Item, now: int) -> Action:
    """Return the action that stores an item that keeps something for its ``user_id``.

    It fails if another user's item is there, unless that has expired (epoch seconds ``now``).
    """
    return _put(item, _ABSENT | _same(item, "user_id") | _expired(now))


def put_if(item: Item, condition: Condition) -> Action:
    """Return the action that stores an item, provided ``condition`` holds for what is there, or nothing is."""
    return _put(item, _ABSENT | condition)


def add_if(item: Item, name: str, amount: int, condition: Condition) -> Action:
    """Return the action that adds ``amount`` to the attribute ``name`` of the item at ``item``'s key.

    It sets what else is set in ``item``, and fails unless ``condition`` holds for what is there.
    """
    return _action("Update", item.key, condition, changes=_added(item, name, amount))


def delete(item: Item) -> Action:
    """Return the action that deletes ``item``, provided it still has the version that was read."""
    return _action("Delete", item.key, _same(item, "version"))


def delete_existing(key: Key) -> Action:
    """Return the action that deletes the item at ``key``, whatever it holds, provided there is one."""
    return _action("Delete", key, _PRESENT)


def delete_unless_held(item: Item, name: str) -> Action:
    """Return the action that deletes the item at ``item``'s key, if any; it fails if its ``name`` is another one."""
    return _action("Delete", item.key, _ABSENT | _same(item, name))


def update(old: Item, new: Item) -> Action:
    """Return the action that turns ``old`` into ``new``, provided it still has ``old``'s version.

    Only what differs is sent. If nothing does, the action only checks the version.
    """
    changes = _differences(old, new)
    if not changes:
        return unchanged(old)
    return _action("Update", old.key, _same(old, "version"), changes=changes, stored=new.serialize())


def fill_in(item: Item) -> Action:
    """Return the action that gives the item at ``item``'s key those attributes of ``item`` that it lacks.

    It makes the item if there is none, overwrites nothing and never fails.
    """
    stored = item.serialize()
    attributes = [(Path([name]), value) for name, value in stored.items() if name not in KEYS]
    changes = [path.set(path | value) for path, value in attributes]
    return _action("Update", item.key, changes=changes, stored=stored)


def unchanged(item: Item) -> Action:
    """Return the action that writes nothing, but fails if ``item`` has another version by now."""
    return check(item.key, _same(item, "version"))


def check(key: Key, condition: Condition) -> Action:
    """Return the action that writes nothing, but fails unless ``condition`` holds for the item at ``key``."""
    return _action("ConditionCheck", key, condition)


def _added(item: Item, name: str, amount: int) -> list[UpdateAction]:
    """Return what adds to an attribute, and sets what else is set in ``item``."""
    stored = item.serialize(null_check=False)
    changes = [Path([other]).set(value) for other, value in stored.items() if other not in KEYS | {name}]
    return [*changes, Path([name]).add({"N": str(amount)})]


def _put(item: Item, condition: Condition | None) -> Action:
    stored = item.serialize()
    return _action("Put", item.key, condition, attributes=stored, stored=stored)


def _same(item: Item, name: str) -> Condition:
    return Path([name]) == item.stored(name)


def _expired(now: int) -> Condition:
    return Path([TTL_ATTRIBUTE]) <= {"N": str(now)}


def _differences(old: Item, new: Item) -> list[UpdateAction]:
    before, after = ({**item.unknown, **item.attribute_values} for item in (old, new))
    changes: list[UpdateAction] = []
    for name in sorted(before.keys() | after.keys()):
        value = after.get(name)
        if value is None:
            if before.get(name) is not None:
                changes.append(Path([name]).remove())
        elif value != before.get(name):
            stored = new.stored(name) if name in new.attribute_values else new.unknown[name]
            changes.append(Path([name]).set(stored))
    return changes


def _action(
    kind: Literal["Put", "Update", "Delete", "ConditionCheck"],
    key: Key,
    condition: Condition | None = None,
    *,
    attributes: RawItem | None = None,
    changes: Sequence[UpdateAction] | None = None,
    stored: RawItem | None = None,
) -> Action:
    arguments = table().get_operation_kwargs(
        key[0],
        range_key=key[1],
        key="Item" if kind == "Put" else "Key",
        attributes=attributes,
        actions=changes,
        condition=condition,
        return_values_on_condition_failure=_ALL_OLD,
    )
    return Action(kind, key, arguments, stored or {"PK": {"S": key[0]}, "SK": {"S": key[1]}})


# --- Requests ------------------------------------------------------------------------------------------------


def write(actions: Sequence[Action]) -> None:
    """Do all ``actions`` or none. One request: a single call for one action, a transaction in their order for more.

    Nothing is sent if there are none.

    Raises
    ------
    ConditionFailed
        Its lists are in the order of ``actions``.
    Contended
        Others hold the items.
    TooLarge
        Before anything is sent, unless only DynamoDB can tell.
    """
    if not actions:
        return
    _check_sizes(actions)
    connection = table().connection
    try:
        if len(actions) == 1 and not actions[0].only_checks:
            connection.dispatch(f"{actions[0].kind}Item", actions[0].arguments)
        else:
            items = [{action.kind: action.arguments} for action in actions]
            connection.dispatch("TransactWriteItems", {"TransactItems": items})
    except ClientError as error:
        raise _translated(error) from error


def _check_sizes(actions: Sequence[Action]) -> None:
    if len(actions) > TRANSACTION_ACTIONS:
        raise TooLarge.of_writes(len(actions), TRANSACTION_ACTIONS)
    sizes = [action.size for action in actions]
    if max(sizes) > ITEM_BYTES:
        raise TooLarge.of_item(max(sizes), ITEM_BYTES)
    if sum(sizes) > TRANSACTION_BYTES:
        raise TooLarge.of_parts(sum(sizes), TRANSACTION_BYTES)


def _translated(error: ClientError) -> Exception:
    response: Any = error.response
    code, reasons = response["Error"]["Code"], response.get("CancellationReasons", ())
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([True], [_blocker(response)])
    failed = [reason["Code"] == _CHECK_FAILED for reason in reasons]
    if any(failed):
        return ConditionFailed(failed, [_blocker(reason) for reason in reasons])
    if code in _RACE_ERRORS or any(reason["Code"] in _RACES for reason in reasons):
        return Contended()
    # A transaction has 4 MB, an item 400 KB: AWS says so in words only, of an item in a transaction as its reason.
    said = [response["Error"]] if code == "ValidationException" else []
    said += [reason for reason in reasons if reason["Code"] == "ValidationError"]
    if any("size" in each.get("Message", "").lower() for each in said):
        return TooLarge()
    return error


def _blocker(found: dict[str, Any]) -> Item | None:
    return Item.from_raw_data(found["Item"]) if found.get("Item") else None


def remove(key: Key) -> None:
    """Delete the item at ``key`` if it is there. One DeleteItem."""
    table().connection.dispatch("DeleteItem", table().get_operation_kwargs(key[0], range_key=key[1]))


def count_up(counter: Item, name: str, amount: int) -> int:
    """Add ``amount`` to attribute ``name`` of the item at ``counter``'s key, and return the sum. One UpdateItem.

    The item is made if need be; all that is set in ``counter`` is stored with it.
    """
    arguments = table().get_operation_kwargs(
        counter.PK,
        range_key=counter.SK,
        actions=_added(counter, name, amount),
        return_values="UPDATED_NEW",
    )
    answer = table().connection.dispatch("UpdateItem", arguments)
    return int(answer["Attributes"][name]["N"])


def pause(attempt: int) -> None:
    """Wait a random while before attempt number ``attempt`` + 1: up to 20 ms, doubling, at most 0.3 s."""
    time.sleep(_random.uniform(0.2, 1) * min(0.02 * 2 ** min(attempt, 4), 0.3))

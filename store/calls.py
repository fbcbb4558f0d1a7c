"""The few calls to DynamoDB that the domain makes, each exactly one request.

Writes are conditional. A failed condition and a lost race come back as exceptions of this module, with the item that
was in the way, so that callers seldom need to read again.
"""

import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from store.codec import decode_item, encode, encode_item
from store.schema import Item

Key = tuple[str, str]
Values = dict[str, Any]
Action = dict[str, dict[str, Any]]

MAX_ATTEMPTS = 6
_client: Any = None
_connecting = threading.Lock()
_RACES = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_RACE_ERRORS = frozenset({"TransactionConflictException", "TransactionInProgressException"})


class ConditionFailed(Exception):  # noqa: N818
    """A condition did not hold.

    ``blockers[i]`` is the item that action ``i`` found (``{}`` if none was there), or None if it was not to blame.
    """

    def __init__(self, blockers: list[Values | None]) -> None:
        super().__init__("a condition of the write did not hold")
        self.blockers = blockers


class Contended(Exception):  # noqa: N818
    """Another transaction holds one of the items; nothing was written."""


def client() -> Any:
    """Return the process's one botocore client of DynamoDB, the one that PynamoDB's models use too."""
    return _client or _connect()


def _connect() -> Any:
    global _client  # noqa: PLW0603
    with _connecting:  # making a client is not thread-safe, using one is
        _client = _client or Item._get_connection().connection.client  # noqa: SLF001
    return _client


def _key(key: Key) -> dict[str, dict[str, str]]:
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}


def get(key: Key) -> Values | None:
    """Return the item at ``key`` (PK, SK), read consistently, or None. One GetItem."""
    answer = client().get_item(TableName=Item.Meta.table_name, Key=_key(key), ConsistentRead=True)
    return decode_item(answer["Item"]) if "Item" in answer else None


def get_all(*keys: Key) -> list[Values | None]:
    """Return the items at ``keys`` in their order, read consistently. One BatchGetItem, unless it was throttled."""
    wanted: list[dict[str, Any]] = [_key(key) for key in keys]
    found: dict[Key, Values] = {}
    table = Item.Meta.table_name
    for attempt in range(MAX_ATTEMPTS):
        answer = client().batch_get_item(RequestItems={table: {"Keys": wanted, "ConsistentRead": True}})
        found |= {
            (raw["PK"]["S"], raw["SK"]["S"]): decode_item(raw) for raw in answer["Responses"].get(table, ())
        }
        wanted = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if not wanted:
            return [found.get(key) for key in keys]
        pause(attempt)
    raise Contended


def query(
    values: Values, start: Mapping[str, str] | None = None, **arguments: Any
) -> tuple[list[Values], dict[str, str]]:
    """Return the items of one Query page, and the key to go on from (``{}`` at the end). One request.

    Parameters
    ----------
    values
        The values of the expressions, as plain Python.
    start
        The key of the item to start after.
    arguments
        As of boto3's ``query``.
    """
    if start:
        arguments["ExclusiveStartKey"] = encode_item(start)
    answer = client().query(
        TableName=Item.Meta.table_name, ExpressionAttributeValues=encode_item(values), **arguments
    )
    return [decode_item(raw) for raw in answer["Items"]], decode_item(answer.get("LastEvaluatedKey", {}))


def count(values: Values, **arguments: Any) -> int:
    """Return how many items of one Query page match. One request; parameters as of ``query``."""
    answer = client().query(
        TableName=Item.Meta.table_name,
        ExpressionAttributeValues=encode_item(values),
        Select="COUNT",
        **arguments,
    )
    return int(answer["Count"])


# --- Writes --------------------------------------------------------------------------------------------------


def put_new(values: Values) -> Action:
    """Return the action that stores an item where none is."""
    return _put(values, ConditionExpression="attribute_not_exists(PK)")


def put(values: Values) -> Action:
    """Return the action that stores an item, whatever was there."""
    return _put(values)


def put_over(values: Values) -> Action:
    """Return the action that replaces an item, provided there is one."""
    return _put(values, ConditionExpression="attribute_exists(PK)")


def put_instead(values: Values, old: Values, name: str) -> Action:
    """Return the action that replaces ``old``, provided its attribute ``name`` is what was read."""
    return _put(
        values,
        ConditionExpression="#name = :old",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":old": encode(old[name])},
    )


def put_record(item: Item, now: int) -> Action:
    """Return the action that stores an idempotency record, over an expired one (epoch seconds ``now``) if need be."""
    return _put(
        item.attribute_values,
        ConditionExpression="attribute_not_exists(PK) OR expires_at <= :now",
        ExpressionAttributeValues={":now": encode(now)},
    )


def put_unless_held(values: Values, now: int) -> Action:
    """Return the action that stores an item that keeps something for ``user_id``.

    It fails if another user has it, unless that one's has expired (epoch seconds ``now``).
    """
    return _put(
        values,
        ConditionExpression="attribute_not_exists(PK) OR user_id = :owner OR expires_at <= :now",
        ExpressionAttributeValues={":owner": encode(values["user_id"]), ":now": encode(now)},
    )


def _put(values: Values, **arguments: Any) -> Action:
    return {"Put": {"Item": encode_item(values), **arguments}}


def delete(item: Values) -> Action:
    """Return the action that deletes ``item``, provided it still has the version that was read."""
    return {"Delete": {"Key": _key((item["PK"], item["SK"])), **_unchanged(item)}}


def delete_existing(key: Key) -> Action:
    """Return the action that deletes the item at ``key``, whatever it holds, provided there is one."""
    return {"Delete": {"Key": _key(key), "ConditionExpression": "attribute_exists(PK)"}}


def update(old: Values, new: Values) -> Action:
    """Return the action that turns ``old`` into ``new``, provided it still has ``old``'s version.

    Only what differs is sent, so attributes that the caller does not know survive.
    """
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    sets, removes = [], []
    for number, name in enumerate(sorted(old.keys() | new.keys())):
        value = new.get(name)
        if value == old.get(name):
            continue
        names[f"#{number}"] = name
        if value is None:
            removes.append(f"#{number}")
        else:
            values[f":{number}"] = encode(value)
            sets.append(f"#{number} = :{number}")
    condition = _unchanged(old)
    expression = (f"SET {', '.join(sets)} " if sets else "") + (
        f"REMOVE {', '.join(removes)}" if removes else ""
    )
    return {
        "Update": {
            "Key": _key((old["PK"], old["SK"])),
            "UpdateExpression": expression,
            "ConditionExpression": condition["ConditionExpression"],
            "ExpressionAttributeNames": names | condition["ExpressionAttributeNames"],
            "ExpressionAttributeValues": values | condition["ExpressionAttributeValues"],
        }
    }


def fill_in(key: Key, values: Values) -> Action:
    """Return the action that gives the item at ``key`` those of ``values`` it lacks. It never fails, nor overwrites."""
    names = {f"#{number}": name for number, name in enumerate(values)}
    return {
        "Update": {
            "Key": _key(key),
            "UpdateExpression": "SET " + ", ".join(f"{n} = if_not_exists({n}, :{n[1:]})" for n in names),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                f":{number}": encode(value) for number, value in enumerate(values.values())
            },
        }
    }


def not_shut_out(key: Key, issued_at: int) -> Action:
    """Return the action that writes nothing, but fails if the revocation at ``key`` ended all access issued by then.

    ``issued_at`` is in epoch seconds.
    """
    return {
        "ConditionCheck": {
            "Key": _key(key),
            "ConditionExpression": "attribute_not_exists(PK) OR wholly = :no OR #until < :issued",
            "ExpressionAttributeNames": {"#until": "until"},
            "ExpressionAttributeValues": {":no": encode(False), ":issued": encode(issued_at)},
        }
    }


def unchanged(item: Values) -> Action:
    """Return the action that writes nothing, but fails if ``item`` has another version by now."""
    return {"ConditionCheck": {"Key": _key((item["PK"], item["SK"])), **_unchanged(item)}}


def _unchanged(item: Values) -> dict[str, Any]:
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": encode(item["version"])},
    }


def write(actions: Sequence[Action]) -> None:
    """Do all ``actions`` or none: one request, a transaction when there is more than one.

    Raises ConditionFailed or Contended.
    """
    for action in actions:
        for arguments in action.values():
            arguments["TableName"] = Item.Meta.table_name
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        if len(actions) == 1:
            _write_one(actions[0])
        else:
            client().transact_write_items(TransactItems=list(actions))
    except ClientError as error:
        raise _translate(error) from error


def remove(key: Key) -> None:
    """Delete the item at ``key`` if it is there. One request."""
    client().delete_item(TableName=Item.Meta.table_name, Key=_key(key))


def count_up(key: Key, amount: int, expires_at: int) -> int:
    """Add ``amount`` to the counter at ``key``, which is made if need be, and return its value. One UpdateItem."""
    answer = client().update_item(
        TableName=Item.Meta.table_name,
        Key=_key(key),
        UpdateExpression="ADD #used :amount SET #expires = :expires, #type = :type",
        ExpressionAttributeNames={"#used": "used", "#expires": "expires_at", "#type": "entity_type"},
        ExpressionAttributeValues=encode_item({":amount": amount, ":expires": expires_at, ":type": "RATE"}),
        ReturnValues="UPDATED_NEW",
    )
    return int(answer["Attributes"]["used"]["N"])


def _write_one(action: Action) -> None:
    ((kind, arguments),) = action.items()
    operation = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[kind]
    getattr(client(), operation)(**arguments)


def _translate(error: ClientError) -> Exception:
    response: Mapping[str, Any] = error.response
    code = response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([decode_item(response.get("Item", {}))])
    reasons = response.get("CancellationReasons", ())
    if any(reason["Code"] == "ConditionalCheckFailed" for reason in reasons):
        return ConditionFailed([_blocker(reason) for reason in reasons])
    if code in _RACE_ERRORS or any(reason["Code"] in _RACES for reason in reasons):
        return Contended()
    return error


def _blocker(reason: Mapping[str, Any]) -> Values | None:
    failed = reason["Code"] == "ConditionalCheckFailed"
    return decode_item(reason.get("Item", {})) if failed else None


def pause(attempt: int) -> None:
    """Wait a random while before attempt number ``attempt`` + 1: up to 20 ms, doubling, at most 0.3 s."""
    time.sleep(random.uniform(0.2, 1) * min(0.02 * 2**attempt, 0.3))  # noqa: S311

"""Measures what one task's life needs: calls, DynamoDB units, bytes, processor time, through the services."""

import functools
import json
import math
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.capture.bronze_row import bronze_row
from store.idempotency import Once, StoredReply
from store.model import table, table_definition
from store.request_context import RequestContext
from tasks import selectors, services

KEYS = ("PK", "SK")
DYNAMODB_ENTRY_BYTES = 100  # that DynamoDB adds to each entry it stores
Raw = dict[str, Any]
TASK = {
    "title": "Send the quarterly report to Jordan",
    "description": "Figures are in the shared folder; ask Robin for the missing ones before noon.",
    "category": "Work",
    "priority": "high",
    "tags": ["reports", "quarter"],
    "due_date": "2099-12-31",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one operation needed: calls to DynamoDB, units written and read, milliseconds of processor time."""

    calls: int
    write_units: float
    read_units: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One task's life.

    Parameters
    ----------
    create, update, delete, read
        The operations; `read` is a page of the list.
    stored_bytes
        Of the task in the table and in its indexes.
    change_bytes
        Of one change on its way to the lake (JSON).
    """

    create: Step
    update: Step
    delete: Step
    read: Step
    stored_bytes: int
    change_bytes: int


def measure() -> Measured:
    """Let somebody who does not exist create, read, change and delete a task; nothing but the stream remembers it."""
    ctx, once = _context(), _once()
    services.create_task(ctx, TASK)  # the first call of a process connects, and is not typical
    created, create = _step(lambda: services.create_task(ctx, TASK, once=once).task)
    before = _raw(ctx.user_id, created.id)
    _, read = _step(lambda: selectors.list_tasks(ctx.user_id))
    # Later: a change also moves the task in the index by time.
    ctx = replace(ctx, now=ctx.now + timedelta(minutes=1))
    _, update = _step(lambda: services.update_task(ctx, created.id, {"status": "in_progress"}), before)
    after = _raw(ctx.user_id, created.id)
    _, delete = _step(lambda: services.delete_task(ctx, created.id), after)
    _clean(ctx, once)
    return Measured(create, update, delete, read, _stored(after), len(_change(before, after)))


def as_json(found: Measured) -> str:
    """The measurement as JSON, for a later calculation without a table."""
    return json.dumps(asdict(found), indent=2)


def from_json(text: str) -> Measured:
    """What `as_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    steps: dict[str, Any] = {
        name: Step(**values.pop(name)) for name in ("create", "update", "delete", "read")
    }
    return Measured(**steps, **values)


def _context() -> RequestContext:
    user_id = f"costs-{uuid.uuid4()}"
    return RequestContext(
        user_id=user_id, updated_by=user_id, request_id=uuid.uuid4().hex, now=datetime.now(UTC)
    )


def _once() -> Once:
    return Once(uuid.uuid4().hex, "0" * 64, lambda _: StoredReply(201, "x" * 700, {"ETag": '"1"'}))


class Recorder:
    """Counts the calls that the domain's client makes, and the units that DynamoDB's rules give them.

    ``stored`` is the item that an operation changes, as it is before.
    """

    def __init__(self, stored: Raw) -> None:
        self.stored = stored
        self.calls = 0
        self.read_units = 0.0
        self._writes: list[tuple[int, str, Raw]] = []

    def before(self, params: Raw, model: Any, **_: Any) -> None:
        """Called with the parameters of each request, before it is made."""
        self.calls += 1
        if model.name == "TransactWriteItems":
            actions = (action.items() for action in params["TransactItems"])
            self._writes += [(2, kind, part) for action in actions for kind, part in action]
        elif model.name in {"PutItem", "UpdateItem", "DeleteItem"}:
            self._writes.append((1, model.name.removesuffix("Item"), params))

    def after(self, parsed: Raw, model: Any, **_: Any) -> None:
        """Called with each answer; a read is paid by what it returned."""
        if model.name == "GetItem":
            self.read_units += _read_units([parsed.get("Item", {})], consistent=True)
        elif model.name == "Query":
            self.read_units += _read_units(parsed.get("Items", []), consistent=False)

    def write_units(self) -> float:
        """Units of all writes. Called when they are done: what an update made of an item is read from the table."""
        return float(sum(factor * self._units(kind, part) for factor, kind, part in self._writes))

    def _units(self, kind: str, request: Raw) -> int:
        key = {name: (request.get("Key") or request["Item"])[name] for name in KEYS}
        old = self.stored if self.stored and all(self.stored[name] == key[name] for name in KEYS) else {}
        if kind == "ConditionCheck":
            return _units(old)
        if kind == "Update":
            return write_units(old, _item(key))
        return write_units(old, request.get("Item", {}))


@contextmanager
def _recording(stored: Raw) -> Iterator[Recorder]:
    recorder, events = Recorder(stored), table().client.meta.events
    hooks = (("provide-client-params.dynamodb", recorder.before), ("after-call.dynamodb", recorder.after))
    for name, hook in hooks:
        events.register(name, hook)
    try:
        yield recorder
    finally:
        for name, hook in hooks:
            events.unregister(name, hook)


def _step(operation: Callable[[], Any], stored: Raw | None = None) -> tuple[Any, Step]:
    with _recording(stored or {}) as recorder:
        started = time.process_time()
        answer = operation()
        spent = (time.process_time() - started) * 1000
    return answer, Step(recorder.calls, recorder.write_units(), recorder.read_units, round(spent, 2))


def write_units(old: Raw, new: Raw) -> int:
    """Units of one write that makes ``new`` of ``old`` (``{}``: there is none), in the table and in its indexes.

    An index whose entry stays under its key takes one write if anything in the entry changes; one whose key changes
    takes two, since the old entry is deleted and a new one put.
    """
    units = max(_units(old), _units(new))
    for index in _indexes():
        before, after = _entry(index, old), _entry(index, new)
        if before == after:
            continue
        same_key = before and after and all(before[name] == after[name] for name in _keys(index))
        units += (
            max(_units(before), _units(after))
            if same_key
            else sum(_units(entry) for entry in (before, after) if entry)
        )
    return units


@functools.cache
def _indexes() -> tuple[Raw, ...]:
    definition = table_definition("any")
    return (*definition["GlobalSecondaryIndexes"], *definition["LocalSecondaryIndexes"])


def _keys(index: Raw) -> list[str]:
    return [entry["AttributeName"] for entry in index["KeySchema"]]


def _entry(index: Raw, item: Raw) -> Raw:
    """The entry of an item in an index; ``{}`` if it has none."""
    if not all(name in item for name in _keys(index)):
        return {}
    if index["Projection"]["ProjectionType"] == "ALL":
        return item
    return {name: item[name] for name in {*KEYS, *_keys(index)}}


def _units(item: Raw) -> int:
    return max(1, math.ceil(_size(item) / 1024))


def _read_units(items: list[dict[str, Any]], *, consistent: bool) -> float:
    units = max(1, math.ceil(sum(map(_size, items)) / 4096))
    return float(units if consistent else units / 2)


def _size(item: dict[str, Any]) -> int:
    """Bytes of an item by DynamoDB's rules: attribute names, and values by their type."""
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content) // 2 + 1
    if kind == "L":
        return 3 + sum(1 + _bytes(element) for element in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _bytes(element) for name, element in content.items())
    return 1


def _raw(user_id: str, task_id: str) -> Raw:
    return _item({"PK": {"S": f"TASK#{user_id}"}, "SK": {"S": f"TASK#{task_id}"}})


def _item(key: Raw) -> Raw:
    answer = table().client.get_item(TableName=table().table_name, Key=key, ConsistentRead=True)
    found: Raw = answer["Item"]
    return found


def _stored(item: Raw) -> int:
    """Bytes of an item in the table and in its indexes."""
    entries = [item, *(_entry(index, item) for index in _indexes())]
    return sum(_size(entry) + DYNAMODB_ENTRY_BYTES for entry in entries if entry)


def _change(old: dict[str, Any], new: dict[str, Any]) -> bytes:
    record = {
        "eventID": uuid.uuid4().hex,
        "eventName": "MODIFY",
        "dynamodb": {
            "Keys": {name: new[name] for name in KEYS},
            "OldImage": old,
            "NewImage": new,
            "SequenceNumber": "1" * 21,
            "ApproximateCreationDateTime": time.time(),
        },
    }
    return json.dumps(bronze_row(record), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _clean(ctx: RequestContext, once: Once) -> None:
    client, name = table().client, table().table_name
    record = {"PK": {"S": f"IDEMPOTENCY#{ctx.user_id}#{once.key}"}, "SK": {"S": "METADATA"}}
    client.delete_item(TableName=name, Key=record)
    for kind in ("TASK", "TRASH"):
        values = {":pk": {"S": f"{kind}#{ctx.user_id}"}}
        found = client.query(
            TableName=name, KeyConditionExpression="PK = :pk", ExpressionAttributeValues=values
        )
        for item in found["Items"]:
            client.delete_item(TableName=name, Key={key: item[key] for key in KEYS})

"""Measures what one task's life needs: calls, DynamoDB units, bytes, processor time, through the services."""

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from etl.capture.bronze_row import bronze_row
from store.idempotency import Once, StoredReply
from store.model import table
from store.request_context import RequestContext
from tasks import selectors, services

KEYS = ("PK", "SK")
INDEXES = tuple(f"GSI{number}" for number in range(1, 6))
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
    """Counts the calls that the domain's client makes, and the units that DynamoDB's rules give them."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self.stored = stored
        self.calls = 0
        self.write_units = self.read_units = 0.0

    def before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Called with the parameters of each request, before it is made."""
        self.calls += 1
        if model.name == "TransactWriteItems":
            for action in params["TransactItems"]:
                self.write_units += 2 * sum(self._write(part) for part in action.values())
        elif model.name in {"PutItem", "UpdateItem", "DeleteItem"}:
            self.write_units += self._write(params)

    def _write(self, request: dict[str, Any]) -> float:
        """A change or removal is paid by the size of what is stored, not of what is sent."""
        return _write_units(request.get("Item") or self.stored)

    def after(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """Called with each answer; a read is paid by what it returned."""
        if model.name == "GetItem":
            self.read_units += _read_units([parsed.get("Item", {})], consistent=True)
        elif model.name == "Query":
            self.read_units += _read_units(parsed.get("Items", []), consistent=False)


@contextmanager
def _recording(stored: dict[str, Any]) -> Iterator[Recorder]:
    recorder, events = Recorder(stored), table().client.meta.events
    hooks = (("provide-client-params.dynamodb", recorder.before), ("after-call.dynamodb", recorder.after))
    for name, hook in hooks:
        events.register(name, hook)
    try:
        yield recorder
    finally:
        for name, hook in hooks:
            events.unregister(name, hook)


def _step(operation: Callable[[], Any], stored: dict[str, Any] | None = None) -> tuple[Any, Step]:
    with _recording(stored or {}) as recorder:
        started = time.process_time()
        answer = operation()
        spent = (time.process_time() - started) * 1000
    return answer, Step(recorder.calls, recorder.write_units, recorder.read_units, round(spent, 2))


def _write_units(item: dict[str, Any]) -> float:
    """Units of one write: one for each begun KiB, in the table and in each index that has the item."""
    return float(_entries(item) * max(1, math.ceil(_size(item) / 1024)))


def _entries(item: dict[str, Any]) -> int:
    return 1 + sum(1 for index in INDEXES if f"{index}PK" in item)


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


def _raw(user_id: str, task_id: str) -> dict[str, Any]:
    key = {"PK": {"S": f"TASK#{user_id}"}, "SK": {"S": f"TASK#{task_id}"}}
    answer = table().client.get_item(TableName=table().table_name, Key=key, ConsistentRead=True)
    found: dict[str, Any] = answer["Item"]
    return found


def _stored(item: dict[str, Any]) -> int:
    return _entries(item) * (_size(item) + 100)  # DynamoDB adds 100 bytes to each entry


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

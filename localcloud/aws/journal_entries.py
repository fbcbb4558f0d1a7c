"""The entries of the DynamoDB journal: made from a request or from the whole state, and applied at a start.

Entries, by key: ``i`` item changes, ``s`` stream records, ``k`` transaction tokens (together: one request),
``tables`` table definitions and settings; in snapshots also ``stream`` positions and ``closed`` streams.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ministack.core.persistence import _json_default, _json_object_hook
from ministack.core.responses import request_scope
from ministack.services import dynamodb as ddb

from localcloud.aws.journal import dumps
from localcloud.aws.transaction_tokens import PayloadDigest

if TYPE_CHECKING:
    from localcloud.aws.dynamodb_items import Batch

SETTINGS = (
    "tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights", "backups",
    "resource_policies", "exports", "imports",
)  # fmt: skip
CHANGING = ("items", ddb._INDEX_MEMBERS, "ItemCount", "TableSizeBytes")
IMAGES = ("OldImage", "NewImage")
CHUNK = 200


def entry(batch: "Batch") -> dict[str, Any]:
    """Return the journal entry of one request."""
    line: dict[str, Any] = {}
    if batch.changes:
        line["i"] = [[*change.scope(), change.pk, change.sk, change.new] for change in batch.changes]
    if batch.records:
        line["s"] = [_record_entry(batch, *record) for record in batch.records]
    if batch.tokens:
        line["k"] = batch.tokens
    return line


def _record_entry(
    batch: "Batch", account: str, region: str, name: str, record: Any, old: Any, new: Any
) -> list[Any]:
    """Leave a record's images out if a change in the same entry has them, which halves the journal."""
    for index, change in enumerate(batch.changes):
        if change.new is new and change.old == old and change.scope() == [account, region, name]:
            stream = {key: value for key, value in record["dynamodb"].items() if key not in IMAGES}
            images = [key for key in IMAGES if key in record["dynamodb"]]
            return [account, region, name, {**record, "dynamodb": stream}, index, images]
    return [account, region, name, record, None, []]


def apply(line: dict[str, Any]) -> None:
    """Apply one journal or snapshot entry to ministack's DynamoDB."""
    if "tables" in line:
        _restore_tables(line["tables"])
    if "stream" in line:
        account, region, name, trimmed = line["stream"]
        ddb._stream_trimmed.set_scoped(account, region, name, trimmed)
    for account, region, arn, closed in line.get("closed", ()):
        ddb._closed_streams.set_scoped(account, region, arn, closed)
    pairs = [_apply_change(*change) for change in line.get("i", ())]
    for record in line.get("s", ()):
        _apply_record(pairs, *record)
    for account, region, token, stored in line.get("k", ()):
        _apply_token(account, region, token, stored)


def _apply_change(account: str, region: str, name: str, pk: str, sk: str, item: Any) -> tuple[Any, Any]:
    table = ddb._tables.get_scoped(account, region, name)
    if table is None:
        return None, item
    old = ddb._remove_item(table, pk, sk) if item is None else ddb._set_item(table, pk, sk, item)
    return old, item


def _apply_record(
    pairs: list[Any], account: str, region: str, name: str, record: Any, index: Any, images: Any
) -> None:
    if index is not None:
        values = dict(zip(IMAGES, pairs[index], strict=True))
        record["dynamodb"].update({key: values[key] for key in images})
    records = ddb._stream_records.get_scoped(account, region, name)
    if records is None:
        records = []
        ddb._stream_records.set_scoped(account, region, name, records)
    records.append(record)


def _apply_token(account: str, region: str, token: str, stored: dict[str, Any]) -> None:
    if time.time() - stored["completed_at"] < ddb._TXN_TOKEN_TTL:
        stored["signature"] = PayloadDigest(stored["signature"])
        ddb._txn_idempotency.set_scoped(account, region, token, stored)


def tables_state() -> dict[str, Any]:
    """Return table definitions and settings without items, as plain JSON values."""
    tables = [
        [*scope, {key: value for key, value in table.items() if key not in CHANGING}]
        for scope, table in list(ddb._tables._data.items())
    ]
    settings = {name: getattr(ddb, f"_{name}") for name in SETTINGS}
    state: dict[str, Any] = json.loads(
        json.dumps({"tables": tables, "settings": settings}, default=_json_default)
    )
    return state


def _restore_tables(state: dict[str, Any]) -> None:
    wanted = {(account, region, name): meta for account, region, name, meta in state["tables"]}
    for scope in [scope for scope in ddb._tables._data if scope not in wanted]:
        _drop_stream(scope, ddb._tables._data.pop(scope))
    for scope, meta in wanted.items():
        _restore_table(scope, meta)
    settings = json.loads(json.dumps(state["settings"]), object_hook=_json_object_hook)
    for name in SETTINGS:
        store = getattr(ddb, f"_{name}")
        store.clear()
        store.update(settings[name])


def _restore_table(scope: tuple[str, str, str], meta: dict[str, Any]) -> None:
    table = ddb._tables._data.get(scope)
    if table is not None and table.get("LatestStreamArn") != meta.get("LatestStreamArn"):
        _drop_stream(scope, table)
    if table is None or table["TableId"] != meta["TableId"]:
        ddb._tables._data[scope] = {**meta, "items": defaultdict(dict), "ItemCount": 0, "TableSizeBytes": 0}
        return
    kept = {key: table[key] for key in CHANGING if key in table and key != ddb._INDEX_MEMBERS}
    table.clear()
    table.update({**meta, **kept})


def _drop_stream(scope: tuple[str, str, str], table: dict[str, Any]) -> None:
    with request_scope(scope[0], scope[1]):
        ddb.drop_stream_records(scope[2], table)


def capture() -> dict[str, Any]:
    """Copy the whole state at one moment; cheap, because items are replaced and never changed in place."""
    return {
        "tables": tables_state(),
        "items": [
            (scope, [(pk, list(items.items())) for pk, items in table["items"].items()])
            for scope, table in ddb._tables._data.items()
        ],
        "streams": [
            (scope, ddb._stream_trimmed._data.get(scope, 0), list(records))
            for scope, records in ddb._stream_records._data.items()
        ],
        "closed": [
            [*scope, {**closed, "records": list(closed["records"])}]
            for scope, closed in ddb._closed_streams.all_items()
        ],
        "tokens": [[*scope, dict(stored)] for scope, stored in ddb._txn_idempotency._data.items()],
    }


def snapshot_lines(state: dict[str, Any]) -> Iterator[bytes]:
    """Yield the entries of a captured state as journal lines."""
    yield dumps({"tables": state["tables"]})
    for scope, partitions in state["items"]:
        rows = ([*scope, pk, sk, item] for pk, items in partitions for sk, item in items)
        for chunk in _chunks(rows):
            yield dumps({"i": chunk})
    for scope, trimmed, records in state["streams"]:
        yield dumps({"stream": [*scope, trimmed]})
        for chunk in _chunks([*scope, record, None, []] for record in records):
            yield dumps({"s": chunk})
    for closed in state["closed"]:
        yield dumps({"closed": [closed]})
    for chunk in _chunks(iter(state["tokens"])):
        yield dumps({"k": chunk})


def _chunks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

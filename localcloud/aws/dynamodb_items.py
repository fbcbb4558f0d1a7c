"""Durable DynamoDB items, table settings and stream records.

Hole closed: ministack saves its tables only on SIGTERM and never saves stream records, so a killed process loses
every write since its last clean stop and all unread changes. Here each mutating request becomes one journal line
(its item changes, its stream records, its transaction token) that is flushed before the response is sent. Handlers
run to completion on the event loop, so no request, not even GetRecords, sees a change that is not in the journal, and
a transaction is in it completely or not at all. With DURABLE=1 no answer leaves, to a read neither, before everything
that it may tell is on the disk.
"""

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.services import dynamodb as ddb
from ministack.services import dynamodb_streams as streams

from localcloud.aws import dynamodb_streams, journal_entries, transaction_tokens
from localcloud.aws.group_commit import GroupCommit
from localcloud.aws.journal import Journal, dumps
from localcloud.aws.protocol import Handler, Response, operation

READS = ("Get", "Query", "Scan", "Describe", "List", "BatchGet", "TransactGet", "Search")
DATA = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
PARTIQL = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
WHOLESALE = ("RestoreTableFromBackup", "RestoreTableToPointInTime", "ImportTable")
# Bytes of journal that trigger a snapshot; reading them takes about two seconds.
COMPACT_ABOVE = int(os.environ.get("LOCAL_AWS_COMPACT_BYTES") or 64 * 1024 * 1024)


@dataclass(slots=True)
class Change:
    """One item of one table, before and after."""

    table: dict[str, Any]
    pk: str
    sk: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None

    def scope(self) -> list[str]:
        """[account, region, table name]."""
        parts = self.table["TableArn"].split(":")
        return [parts[4], parts[3], self.table["TableName"]]


@dataclass(slots=True)
class Batch:
    """The effects of one request."""

    changes: list[Change] = field(default_factory=list)
    records: list[list[Any]] = field(default_factory=list)
    tokens: list[list[Any]] = field(default_factory=list)


class ItemStore:
    """Intercepts the calls between ministack's DynamoDB handlers and its dictionaries."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory)
        self.lock = threading.RLock()
        self.on_disk = GroupCommit(self.journal, self.lock)
        self._batch: Batch | None = None
        self._meta = ""
        self._journaled_tables: set[str] = set()
        self._compacting: threading.Thread | None = None
        self._handle: Handler = ddb.handle_request
        self._read_stream: Handler = streams.handle_request
        self._set, self._remove, self._emit = ddb._set_item, ddb._remove_item, ddb._emit_stream_event

    def load(self) -> int:
        """Restore tables, items and streams; return the number of entries read."""
        count = 0
        for count, entry in enumerate(self.journal.entries(), start=1):  # noqa: B007
            journal_entries.apply(entry)
        dynamodb_streams.remember_last_sequence()
        self.journal.open()
        self.save_settings()
        return count

    def install(self) -> None:
        """Patch the DynamoDB module; call after load."""
        ddb._set_item, ddb._remove_item = self._recorded_set, self._recorded_remove
        ddb._emit_stream_event = self._recorded_emit
        ddb.handle_request = self.handle_request
        streams.handle_request = self.read_stream
        dynamodb_streams.install()
        transaction_tokens.install(self._record_token)

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response:
        """Run a DynamoDB request; a mutating one returns only after the journal has it."""
        action = operation(headers)
        if action.startswith(READS):
            response = await self._handle(method, path, headers, body, query_params)
        else:
            response = await self._write_request(action, method, path, headers, body, query_params)
        await self.on_disk.wait()
        return response

    async def read_stream(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response:
        """Run a request to DynamoDB Streams."""
        response = await self._read_stream(method, path, headers, body, query_params)
        await self.on_disk.wait()
        return response

    async def _write_request(self, action: str, *request: Any) -> Response:
        with self.lock:
            batch = self._batch = Batch()
            try:
                response = await self._handle(*request)
                self._finish(action, batch, response[0])
            except BaseException:
                self._undo(batch)
                raise
            finally:
                self._batch = None
        if action in WHOLESALE:
            self.compact()
        elif self.journal.size > max(COMPACT_ABOVE, self.journal.snapshot_size):
            self.compact_in_background()
        return response

    def delete_expired(self, table: dict[str, Any], keys: list[tuple[str, str]]) -> None:
        """Delete expired items as the TTL service does: with a REMOVE record in its name."""
        with self.lock:
            batch = self._batch = Batch()
            try:
                for pk, sk in keys:
                    old = self._recorded_remove(table, pk, sk)
                    self._recorded_emit(table["TableName"], "REMOVE", old, None)
                for _, _, _, record, _, _ in batch.records:
                    record["userIdentity"] = dict(dynamodb_streams.TTL_IDENTITY)
                self._write(batch)
            except BaseException:
                self._undo(batch)
                raise
            finally:
                self._batch = None

    def save_settings(self) -> None:
        """Journal table definitions and settings if they changed since the last time."""
        with self.lock:
            state = journal_entries.tables_state()
            text = json.dumps(state)
            if text != self._meta:
                self.journal.append(dumps({"tables": state}))
                self._meta = text
                self._journaled_tables = {meta["TableId"] for *_, meta in state["tables"]}

    def _finish(self, action: str, batch: Batch, status: int) -> None:
        if action == "ExecuteTransaction" and status >= 400:
            batch.changes.clear()  # ministack put the items back itself
        if action in PARTIQL:
            self._emit_for(batch)
        self._write(batch)
        if action not in DATA:
            self.save_settings()

    def _emit_for(self, batch: Batch) -> None:
        """Emit the stream records of PartiQL writes, which ministack forgets."""
        for change in batch.changes:
            if change.old != change.new:
                event = "REMOVE" if change.new is None else "MODIFY" if change.old else "INSERT"
                self._recorded_emit(change.table["TableName"], event, change.old, change.new)

    def _write(self, batch: Batch) -> None:
        if any(change.table["TableId"] not in self._journaled_tables for change in batch.changes):
            self.save_settings()  # CloudFormation created the table without a request
        if batch.changes or batch.records or batch.tokens:
            self.journal.append(dumps(journal_entries.entry(batch)))

    def _undo(self, batch: Batch) -> None:
        """Revert a request that failed halfway or could not be journaled."""
        for change in reversed(batch.changes):
            if change.old is None:
                self._remove(change.table, change.pk, change.sk)
            else:
                self._set(change.table, change.pk, change.sk, change.old)
        for account, region, name, record, _, _ in reversed(batch.records):
            ddb._stream_records.get_scoped(account, region, name, []).remove(record)
        for account, region, token, _ in batch.tokens:
            ddb._txn_idempotency.pop_scoped(account, region, token, None)

    def _recorded_set(self, table: dict[str, Any], pk: str, sk: str, item: dict[str, Any]) -> Any:
        old = self._set(table, pk, sk, item)
        if self._batch is not None:
            self._batch.changes.append(Change(table, pk, sk, old, item))
        return old

    def _recorded_remove(self, table: dict[str, Any], pk: str, sk: str) -> Any:
        if self._batch is None:
            return None  # ministack's own TTL thread: it emits no stream records; see time_to_live.py
        old = self._remove(table, pk, sk)
        if old is not None:
            self._batch.changes.append(Change(table, pk, sk, old, None))
        return old

    def _recorded_emit(
        self,
        name: str,
        event: str,
        old: dict[str, Any] | None,
        new: dict[str, Any] | None,
        replicate: bool = True,
    ) -> None:
        before = ddb.stream_end_position(name)
        self._emit(name, event, old, new, replicate)
        added = ddb.stream_end_position(name) - before
        if added and self._batch is not None:
            scope = [ddb.get_account_id(), ddb.get_region(), name]
            for record in ddb._stream_records[name][-added:]:
                self._batch.records.append([*scope, record, old, new])

    def _record_token(self, account: str, region: str, token: str, entry: dict[str, Any]) -> None:
        if self._batch is not None:
            self._batch.tokens.append([account, region, token, entry])

    def compact(self) -> None:
        """Write a snapshot now and start a new journal."""
        self._wait_for_compaction()
        with self.lock:
            generation, state = self.journal.rotate(), journal_entries.capture()
        self.journal.write_snapshot(generation, journal_entries.snapshot_lines(state))

    def compact_in_background(self) -> None:
        """Start a new journal now; a thread writes the snapshot."""
        if self._compacting is not None and self._compacting.is_alive():
            return
        with self.lock:
            generation, state = self.journal.rotate(), journal_entries.capture()
        lines = journal_entries.snapshot_lines(state)
        self._compacting = threading.Thread(
            target=self.journal.write_snapshot, args=(generation, lines), name="compaction", daemon=True
        )
        self._compacting.start()

    def close(self) -> None:
        """Flush to disk at a clean stop."""
        self._wait_for_compaction()
        with self.lock:
            self.save_settings()
            self.journal.close()

    def _wait_for_compaction(self) -> None:
        if self._compacting is not None:
            self._compacting.join()

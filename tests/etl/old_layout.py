"""A lake as the version before laid it out: one file a partition, `tasks` and `users` stored, fewer columns."""

import io
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from etl.lake import layout, manifest
from etl.lake.layout import user_bucket
from etl.lake.tables import QUARANTINE, TASK_EVENTS, TASKS, USERS, Table
from tests.etl.harness import Harness
from tests.etl.schemas import arrow_schema

# What the version before did not have.
NEWER = ("cut", "is_change", "error", "arrived_on", "dismissed_at", "dismissed_by")


def lay_out(lake: Harness) -> dict[str, Any]:
    """Lay out the Silver of a lake anew, with the same rows; return the pointer."""
    now = datetime.now(UTC) - timedelta(hours=1)
    commit, current = manifest.new_name(now), lake.manifest()
    held = lake.s3.buckets["silver"]
    rows = {table: lake.silver(table.name) for table in (TASK_EVENTS, TASKS, USERS, QUARANTINE)}
    for key in [*current.all_files(), *current.all_lists()]:
        held.pop(key, None)
    tables: dict[str, dict[str, Any]] = {}
    for table, found in rows.items():
        buckets = {_bucket(row) for row in rows[TASK_EVENTS]} | {_bucket(row) for row in found}
        for bucket in sorted(buckets):
            mine = [row for row in found if _bucket(row) == bucket]
            tables.setdefault(table.name, {})[bucket] = part = _part(table, bucket, commit, mine)
            for key in part["files"]:
                held[key] = _parquet(table, mine)
                part["bytes"] = len(held[key])
    lake.glue.partitions.clear()
    for name, parts in tables.items():
        for bucket, part in parts.items():
            lake.glue.partitions[name][bucket] = f"s3://silver/{part['location']}"
    stored = {
        "format": 1,
        "commit": commit,
        "sequence": current.sequence,
        "committed_at": current.committed_at,
        "as_of": current.as_of,
        "looked_at": current.looked_at,
        "tables": tables,
        "days": {day: asdict(mark) for day, mark in current.days.items()},
        "retired": {},
    }
    held[layout.SILVER_CURRENT] = json.dumps(stored).encode()
    return stored


def _bucket(row: dict[str, Any]) -> str:
    return user_bucket(row["user_id"])


def _part(table: Table, bucket: str, commit: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    location = layout.silver_folder(table.name, bucket, commit)
    return {
        "location": location,
        "files": [f"{location}part-0.parquet"] if rows else [],
        "rows": len(rows),
        "bytes": 0,
    }


def _parquet(table: Table, rows: list[dict[str, Any]]) -> bytes:
    body = io.BytesIO()
    whole = pa.Table.from_pylist(rows, arrow_schema(table))
    pq.write_table(whole.drop_columns([name for name in NEWER if name in table.names]), body)
    return body.getvalue()

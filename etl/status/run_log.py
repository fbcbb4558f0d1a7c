"""Log of the last runs of the lake jobs, for people: time, duration, rows. Nothing depends on it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from etl.lake.layout import SILVER_PREFIX
from etl.lake.storage import Bucket
from etl.log import iso

KEY = f"{SILVER_PREFIX}_runs.json"
KEPT = 20


def record(silver: Bucket, layer: str, started: datetime, rows: Mapping[str, int]) -> None:
    """Add a run of a layer (`silver`, `gold`) that published."""
    now = datetime.now(UTC)
    run = {
        "layer": layer,
        "started_at": iso(started),
        "finished_at": iso(now),
        "duration_ms": round((now - started).total_seconds() * 1000),
        "rows": dict(rows),
    }
    silver.put(KEY, json.dumps([run, *latest(silver)][:KEPT]).encode())


def latest(silver: Bucket) -> list[dict[str, Any]]:
    """The last runs, the newest first."""
    found = silver.get_json(KEY)
    return list(found[0]) if found else []

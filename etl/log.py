"""Log lines of the lake jobs: one JSON object a line on standard output."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any


def log(
    operation: str,
    message: str,
    *,
    level: str = "INFO",
    status: str = "ok",
    duration_ms: float | None = None,
    **metadata: Any,
) -> None:
    """Write one line: timestamp, level, component, operation, status, message, duration_ms, metadata."""
    line = {
        "timestamp": iso(datetime.now(UTC)),
        "level": level,
        "component": "etl",
        "operation": operation,
        "status": status,
        "message": message,
        "duration_ms": None if duration_ms is None else round(duration_ms, 1),
        "metadata": metadata,
    }
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def iso(moment: datetime) -> str:
    """An aware datetime as ISO 8601 UTC with microseconds and `Z`: text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def timed(into: dict[str, Any], name: str) -> Iterator[None]:
    """Store in `into[name]` how many milliseconds the block took."""
    start = time.perf_counter()
    try:
        yield
    finally:
        into[name] = round((time.perf_counter() - start) * 1000, 1)

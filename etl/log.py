"""Log lines of the lake jobs: one JSON object a line on standard output."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
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
    counts: Mapping[str, int] | None = None,
    seconds: Mapping[str, float] | None = None,
    **metadata: Any,
) -> None:
    """Write one line, in the shape of all our logs.

    Parameters
    ----------
    operation, message, level, status, duration_ms
        What the line says; a lake job acts for nobody, so its request and user are null.
    counts, seconds
        Numbers that CloudWatch makes metrics of (embedded metric format), if `METRICS_NAMESPACE` is set.
    metadata
        Anything else.
    """
    line = {
        "timestamp": iso(datetime.now(UTC)),
        "level": level,
        "request_id": None,
        "user_id": None,
        "component": "etl",
        "operation": operation,
        "duration_ms": None if duration_ms is None else round(duration_ms, 1),
        "status": status,
        "message": message,
        "metadata": metadata,
        **_embedded(counts or {}, seconds or {}),
    }
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _embedded(counts: Mapping[str, int], seconds: Mapping[str, float]) -> dict[str, Any]:
    """Members of a log line that make CloudWatch count: a metric each, by stage."""
    namespace = os.environ.get("METRICS_NAMESPACE", "")
    values = {**counts, **seconds}
    if not (values and namespace):
        return values
    directive = {
        "Namespace": namespace,
        "Dimensions": [["Environment"]],
        "Metrics": [{"Name": name, "Unit": "Seconds" if name in seconds else "Count"} for name in values],
    }
    moment = round(time.time() * 1000)
    return {
        "_aws": {"Timestamp": moment, "CloudWatchMetrics": [directive]},
        "Environment": os.environ.get("ENVIRONMENT", ""),
        **values,
    }


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

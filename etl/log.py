"""Log lines of the lake: one JSON object a line, without secrets.

They go to standard output, which Lambda and Glue collect; a command whose result goes there has them on standard error.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from etl.redaction import redacted, redacted_text

_in_command = False


def log(
    operation: str,
    message: str,
    *,
    level: str = "",
    status: str = "",
    error: BaseException | str | None = None,
    duration_ms: float | None = None,
    counts: Mapping[str, int] | None = None,
    seconds: Mapping[str, float] | None = None,
    **metadata: Any,
) -> None:
    """Write one line in the common shape of all logs.

    Parameters
    ----------
    operation, message, level, status, duration_ms
        Members of the line. The lake acts for no request and no user, so these two are null. Level and status are
        INFO and ok unless given, ERROR and error where there is an `error`.
    error
        Goes into the metadata.
    counts, seconds
        Numbers that become CloudWatch metrics (embedded metric format) if `METRICS_NAMESPACE` is set.
    metadata
        Further members, under `metadata`.
    """
    if error is not None:
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        metadata["error"] = redacted_text(text)[:500]
    line = {
        "timestamp": iso(datetime.now(UTC)),
        "level": level or ("ERROR" if error else "INFO"),
        "request_id": None,
        "user_id": None,
        "component": "etl",
        "operation": operation,
        "duration_ms": None if duration_ms is None else round(duration_ms, 1),
        "status": status or ("error" if error else "ok"),
        "message": redacted_text(message),
        "metadata": redacted(metadata),
        **_embedded(counts or {}, seconds or {}),
    }
    stream = sys.stderr if _in_command else sys.stdout
    stream.write(json.dumps(line) + "\n")
    stream.flush()


def leave_standard_output_to_results() -> None:
    """Write the lines of this process to standard error from now on."""
    global _in_command  # noqa: PLW0603
    _in_command = True


def _embedded(counts: Mapping[str, int], seconds: Mapping[str, float]) -> dict[str, Any]:
    """Members that make CloudWatch publish each number as a metric, by stage."""
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
    """An aware datetime as ISO 8601 UTC text with microseconds and `Z`; text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def timed(into: dict[str, Any], name: str) -> Iterator[None]:
    """Store the milliseconds that the block took in `into[name]`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        into[name] = round((time.perf_counter() - start) * 1000, 1)

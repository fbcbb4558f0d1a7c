"""Sends JSON lines to Firehose and repeats only the lines that it refused."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from etl.log import log

MAX_RECORDS = 500
MAX_BYTES = 4 * 1024 * 1024
ATTEMPTS = 5
BACKOFF_SECONDS = 0.1
BACKOFF_CAP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """A stream record ready to send: its sequence number and its JSON line (UTF-8)."""

    sequence_number: str
    data: bytes


def deliver(
    lines: Sequence[Line],
    stream: str,
    firehose: Any,
    may_wait: Callable[[float], bool] = lambda _: True,
    sleep: Callable[[float], None] = time.sleep,
) -> set[str]:
    """Send lines to Firehose in chunks, repeating only the entries that failed.

    Parameters
    ----------
    may_wait
        Takes seconds; whether there is time to wait that long.
    sleep
        Waits for some seconds.

    Returns
    -------
    set of str
        Sequence numbers of the lines that Firehose refused in every attempt.
    """
    failed: set[str] = set()
    for chunk in chunks(lines):
        failed.update(
            line.sequence_number for line in _deliver_chunk(chunk, stream, firehose, may_wait, sleep)
        )
    return failed


def chunks(lines: Sequence[Line]) -> list[list[Line]]:
    """Cut lines into PutRecordBatch-sized lists: at most 500 entries and 4 MiB each, order kept."""
    parts: list[list[Line]] = []
    size = 0
    for line in lines:
        if not parts or len(parts[-1]) == MAX_RECORDS or size + len(line.data) > MAX_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(line)
        size += len(line.data)
    return parts


def _deliver_chunk(
    pending: list[Line],
    stream: str,
    firehose: Any,
    may_wait: Callable[[float], bool],
    sleep: Callable[[float], None],
) -> list[Line]:
    for attempt in range(ATTEMPTS):
        pending = _put(pending, stream, firehose)
        # Full jitter: callers that failed together do not retry together.
        wait = random.uniform(0, min(BACKOFF_CAP_SECONDS, BACKOFF_SECONDS * 2**attempt))  # noqa: S311
        if not pending or attempt == ATTEMPTS - 1 or not may_wait(wait):
            break
        sleep(wait)
    return pending


def _put(lines: list[Line], stream: str, firehose: Any) -> list[Line]:
    """Make one PutRecordBatch call; return the lines that it refused."""
    try:
        reply = firehose.put_record_batch(
            DeliveryStreamName=stream, Records=[{"Data": line.data} for line in lines]
        )
    except Exception as error:  # noqa: BLE001  after any error nothing is acknowledged
        log("capture", "PutRecordBatch failed", level="WARNING", status="retry", error=error)
        return lines
    if not reply["FailedPutCount"]:
        return []
    return [
        line for line, entry in zip(lines, reply["RequestResponses"], strict=True) if entry.get("ErrorCode")
    ]

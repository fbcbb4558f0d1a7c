"""Stream records with sequence numbers that always grow, across restarts and when the clock steps back.

Holes closed: ministack builds sequence numbers from the wall clock and a counter that starts again at zero; and its
records age while nothing runs. On AWS the consumer runs all day. Here a copy that is started again days after it was
killed must still deliver the records left, so nothing expires in the first minutes after a start.
"""

import os
import time
from typing import Any

from ministack.services import dynamodb as ddb

TTL_IDENTITY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
CATCHING_UP_SECONDS = 600
_last = {"millis": 0, "count": 0}


def next_sequence_number() -> str:
    """Return a 30-digit sequence number greater than all before it."""
    with ddb._stream_seq_lock:
        _last["millis"] = max(_last["millis"], int(time.time() * 1000))
        _last["count"] += 1
        return f"{_last['millis']:020d}{_last['count']:010d}"


def remember_last_sequence() -> None:
    """Continue after the newest restored record."""
    for records in ddb._stream_records.all_values():
        if records:
            number = records[-1]["dynamodb"]["SequenceNumber"]
            _last["millis"] = max(_last["millis"], int(number[:20]))
            _last["count"] = max(_last["count"], int(number[20:]))


def install() -> None:
    """Patch the DynamoDB module. LOCAL_AWS_STREAM_SECONDS sets how long records are kept (24 hours)."""
    ddb._next_stream_seq = next_sequence_number
    ddb._STREAM_RETENTION_SECONDS = int(os.environ.get("LOCAL_AWS_STREAM_SECONDS") or 24 * 3600)
    started, trim = time.monotonic(), ddb._trim_stream_records

    def trim_later(table: str, **scope: Any) -> None:
        if time.monotonic() - started > CATCHING_UP_SECONDS:
            trim(table, **scope)

    ddb._trim_stream_records = trim_later

"""Stream records whose sequence numbers only grow, also over restarts and when the clock steps back.

Hole closed: ministack builds sequence numbers from the wall clock and a counter that starts again at zero.
"""

from __future__ import annotations

import time

from ministack.services import dynamodb as ddb

TTL_IDENTITY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
_last = {"millis": 0, "count": 0}


def next_sequence_number() -> str:
    """Return a 30-digit sequence number greater than any before it."""
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
    """Patch the DynamoDB module."""
    ddb._next_stream_seq = next_sequence_number

"""Change capture: sends DynamoDB stream records to Firehose, one JSON line for each change.

Runs as a Lambda function behind an event source mapping with ReportBatchItemFailures. AWS takes the lowest reported
sequence number as the checkpoint and sends everything from there again, so the records after a failure arrive twice.
`event_id` identifies the copies downstream.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from etl.aws import client
from etl.capture.bronze_row import bronze_line, created_at, person_of, sequence_number
from etl.capture.dead_letters import Poison, set_aside
from etl.capture.firehose import Line, deliver
from etl.lake import erased
from etl.lake.config import required
from etl.lake.storage import Bucket
from etl.log import log
from etl.redaction import errors_redacted

# Below this remaining time, waiting for another attempt would risk losing the whole reply.
DEADLINE_MARGIN_MS = 5000
# So long after an erasure, changes of the person may still get into the lake: Silver leaves them out, and the later
# checks of the erasure remove them from Bronze.
ERASED_SECONDS = 60


@errors_redacted
def handler(event: Mapping[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Deliver a batch of stream records and report those that failed; leave out those of erased people.

    Parameters
    ----------
    event
        `{"Records": [...]}` as an event source mapping sends it (at most 10,000 records).
    context
        Lambda context, of which only `get_remaining_time_in_millis` is used; None for a call by hand.

    Returns
    -------
    dict
        `{"batchItemFailures": [{"itemIdentifier": sequence number}, …]}` in the order of the batch.
    """
    records = event["Records"]
    stream, bronze = required(os.environ, "CDC_STREAM", "BRONZE_BUCKET")
    # A call by hand is a replay, of changes of any age.
    gone = _erased(bronze).get(0 if context is None else ERASED_SECONDS)
    lines, poison = _read([record for record in records if not gone.holds(person_of(record))])
    may_wait = functools.partial(_may_wait, context)
    failed = deliver(lines, stream, client("firehose"), may_wait)
    if records:
        _report(records, len(lines) - len(failed), len(failed) + len(poison))
    # A call by hand gets the unreadable records reported; they would only return to the queue they came from.
    failed |= {sequence_number(bad.record) for bad in poison if context is None or not set_aside(bad)}
    order = (sequence_number(record) for record in records)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in order if number in failed]}


@functools.cache
def _erased(bronze: str) -> erased.Watched:
    return erased.Watched(lambda: Bucket(bronze, client("s3")))


def _report(records: Sequence[Mapping[str, Any]], delivered: int, failed: int) -> None:
    log(
        "capture",
        "delivered stream records",
        level="ERROR" if failed else "INFO",
        status="partial" if failed else "ok",
        counts={"ChangesReceived": len(records), "ChangesDelivered": delivered, "ChangesFailed": failed},
        seconds={"ChangesLagSeconds": lag_seconds(records, datetime.now(UTC))},
    )


def lag_seconds(records: Sequence[Mapping[str, Any]], now: datetime) -> float:
    """Age of the oldest stream record in seconds; 0 if no record says when it was made."""
    made = []
    for record in records:
        try:
            made.append(created_at(record))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return round(max(0.0, (now - min(made)).total_seconds()), 3) if made else 0.0


def _may_wait(context: Any, seconds: float) -> bool:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining is None or remaining() - seconds * 1000 > DEADLINE_MARGIN_MS


def _read(records: Sequence[Mapping[str, Any]]) -> tuple[list[Line], list[Poison]]:
    lines, poison = [], []
    for record in records:
        number = sequence_number(record)
        try:
            data = bronze_line(record)
            if data is not None:
                lines.append(Line(number, data))
        except ValueError as error:  # PoisonError, or text that is not Unicode
            poison.append(Poison(record, str(error)))
            log("capture", "unreadable record", status="poison", error=error, sequence_number=number)
    return lines, poison

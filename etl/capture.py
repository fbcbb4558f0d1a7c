"""Change capture: DynamoDB stream records to Firehose, one JSON line a change.

Runs as a Lambda function behind an event source mapping with ReportBatchItemFailures. AWS takes the lowest reported
sequence number as the checkpoint and sends everything from there again, so what follows a failure arrives twice;
`event_id` makes the copies recognisable downstream.
"""

import functools
import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from etl.aws import client
from etl.catalog import user_bucket
from etl.config import capture_config
from etl.images import image_json, special_types
from etl.log import iso, log

MAX_RECORDS = 500
MAX_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 1000 * 1024
ATTEMPTS = 5
BACKOFF_SECONDS = 0.1
BACKOFF_CAP_SECONDS = 3.0
# Time left of a Lambda invocation below which waiting for another attempt would risk losing the whole reply.
DEADLINE_MARGIN_MS = 5000

ENTITIES = {"USER": "USER", "TASK": "TASK", "TRASH": "TRASH"}
EVENT_NAMES = frozenset({"INSERT", "MODIFY", "REMOVE"})


class PoisonError(ValueError):
    """A stream record that no retry can make deliverable."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be delivered, and why."""

    record: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """A stream record ready to be sent: its sequence number and its JSON line (UTF-8)."""

    sequence_number: str
    data: bytes


def handler(event: Mapping[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Deliver a batch of stream records; say which were not.

    Parameters
    ----------
    event
        `{"Records": [...]}` as an event source mapping sends it (at most 10,000 records).
    context
        Lambda context; only `get_remaining_time_in_millis` is used, where there is one.

    Returns
    -------
    dict
        `{"batchItemFailures": [{"itemIdentifier": sequence number}, …]}` in the order of the batch.
    """
    records = event["Records"]
    lines, poison = _read(records)
    may_wait = functools.partial(_may_wait, context)
    failed = deliver(lines, capture_config().stream, client("firehose"), may_wait)
    if records:
        _report(records, len(lines) - len(failed), len(failed) + len(poison))
    # Who sends records by hand wants to know of them, not to find them in the queue once more.
    failed |= {_sequence_number(one.record) for one in poison if context is None or not set_aside(one)}
    order = (_sequence_number(record) for record in records)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in order if number in failed]}


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
    """How long the oldest of stream records has waited; 0 where none says when it was made."""
    made = []
    for record in records:
        try:
            made.append(_moment(record["dynamodb"]["ApproximateCreationDateTime"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return round(max(0.0, (now - min(made)).total_seconds()), 3) if made else 0.0


def set_aside(poison: Poison) -> bool:
    """Put a record that no retry can make deliverable into the on-failure queue, whole; whether it is there.

    An event source mapping would do it after hours of retries, and leave out the record. What does not fit into a
    message, or where there is no queue, is left to the mapping.
    """
    url = os.environ.get("CDC_FAILURE_QUEUE_URL", "")
    number = _sequence_number(poison.record)
    if not (url and number):
        return False
    message = {"reason": poison.reason, "setAsideAt": iso(datetime.now(UTC)), "record": poison.record}
    try:
        client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message, default=str))
    except Exception as error:  # noqa: BLE001  whatever stopped it, the record is not safe
        log(
            "capture",
            "not set aside",
            level="ERROR",
            status="poison",
            error=f"{type(error).__name__}: {error}"[:500],
        )
        return False
    return True


def _may_wait(context: Any, seconds: float) -> bool:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return remaining is None or remaining() - seconds * 1000 > DEADLINE_MARGIN_MS


def _read(records: Sequence[Mapping[str, Any]]) -> tuple[list[Line], list[Poison]]:
    lines, poison = [], []
    for record in records:
        number = _sequence_number(record)
        try:
            row = bronze_row(record)
            if row is not None:
                lines.append(Line(number, _encode(row)))
        except ValueError as error:  # PoisonError, or text that is not Unicode
            poison.append(Poison(record, str(error)))
            log(
                "capture",
                "unreadable record",
                level="ERROR",
                status="poison",
                sequence_number=number,
                reason=str(error),
            )
    return lines, poison


def _sequence_number(record: Any) -> str:
    try:
        return str(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):
        return ""


def _encode(row: dict[str, Any]) -> bytes:
    data = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    if len(data) > MAX_RECORD_BYTES:
        raise PoisonError(f"{len(data)} bytes is more than a Firehose record holds")
    return data


def bronze_row(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The Bronze record of a stream record, or None for an item that does not belong in the lake.

    Parameters
    ----------
    record
        `eventID`, `eventName`, `dynamodb` with `Keys`, images, `SequenceNumber` and `ApproximateCreationDateTime`
        (epoch seconds).

    Returns
    -------
    dict or None
        All columns of Bronze `cdc` and its partition values, text or None throughout.

    Raises
    ------
    PoisonError
        When something mandatory is missing or malformed.
    """
    try:
        change = record["dynamodb"]
        pk, sk = change["Keys"]["PK"]["S"], change["Keys"]["SK"]["S"]
        kind, _, user_id = pk.partition("#")
        if kind not in ENTITIES:
            return None
        return _row(record, change, pk, sk, ENTITIES[kind], user_id)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise PoisonError(f"{type(error).__name__}: {error}") from error


def _row(
    record: Mapping[str, Any], change: Mapping[str, Any], pk: str, sk: str, entity_type: str, user_id: str
) -> dict[str, Any]:
    event_name = record["eventName"]
    if event_name not in EVENT_NAMES or not user_id or not record["eventID"]:
        raise PoisonError("no event id, user or known event name")
    moment = _moment(change["ApproximateCreationDateTime"])
    new, old = change.get("NewImage"), change.get("OldImage")
    return {
        "event_id": record["eventID"],
        "event_name": event_name,
        "event_time": iso(moment),
        "sequence_number": str(change["SequenceNumber"]),
        "entity_type": entity_type,
        "pk": pk,
        "sk": sk,
        "user_id": user_id,
        "entity_id": user_id if entity_type == "USER" else sk.partition("#")[2],
        "user_bucket": user_bucket(user_id),
        "year": f"{moment:%Y}",
        "month": f"{moment:%m}",
        "day": f"{moment:%d}",
        **_author(record, event_name, new or {}),
        "old_image": None if old is None else image_json(old),
        "new_image": None if new is None else image_json(new),
        "attribute_types": _attribute_types(old, new),
    }


def _moment(created: Any) -> datetime:
    if isinstance(created, datetime):
        return created.astimezone(UTC)
    return datetime.fromtimestamp(float(created), UTC)


def _author(record: Mapping[str, Any], event_name: str, new: Mapping[str, Any]) -> dict[str, str | None]:
    """Who and which request made the change: the new image knows; of a removal only DynamoDB's own are known."""
    if event_name == "REMOVE":
        return {"request_id": None, "updated_by": (record.get("userIdentity") or {}).get("PrincipalId")}
    return {name: (new.get(name) or {}).get("S") for name in ("request_id", "updated_by")}


def _attribute_types(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str | None:
    images = {"old_image": old, "new_image": new}
    found = {name: special_types(image) for name, image in images.items() if image}
    kept = {name: types for name, types in found.items() if types}
    return json.dumps(kept, sort_keys=True) if kept else None


def deliver(
    lines: Sequence[Line],
    stream: str,
    firehose: Any,
    may_wait: Callable[[float], bool] = lambda _: True,
    sleep: Callable[[float], None] = time.sleep,
) -> set[str]:
    """Send lines to Firehose in chunks; send again only the entries that failed.

    Parameters
    ----------
    lines
        What to send.
    stream
        Name of the delivery stream.
    firehose
        boto3 client.
    may_wait
        Given a number of seconds, whether there is still time to wait that long.
    sleep
        How to wait.

    Returns
    -------
    set of str
        Sequence numbers of the lines that every attempt refused.
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
        # Full jitter: callers that failed together do not come back together.
        wait = random.uniform(0, min(BACKOFF_CAP_SECONDS, BACKOFF_SECONDS * 2**attempt))  # noqa: S311
        if not pending or attempt == ATTEMPTS - 1 or not may_wait(wait):
            break
        sleep(wait)
    return pending


def _put(lines: list[Line], stream: str, firehose: Any) -> list[Line]:
    """One PutRecordBatch; returns the lines it did not take."""
    try:
        reply = firehose.put_record_batch(
            DeliveryStreamName=stream, Records=[{"Data": line.data} for line in lines]
        )
    except Exception as error:  # noqa: BLE001  whatever stopped the call, nothing was acknowledged
        log(
            "capture",
            "PutRecordBatch failed",
            level="WARNING",
            status="retry",
            error=f"{type(error).__name__}: {error}",
        )
        return lines
    if not reply["FailedPutCount"]:
        return []
    return [
        line for line, entry in zip(lines, reply["RequestResponses"], strict=True) if entry.get("ErrorCode")
    ]

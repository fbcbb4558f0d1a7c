"""Change capture's on-failure queue: what could not be captured, fetched from the stream again and sent through.

A message of an event source mapping says where the records are, not what they hold: stream, shard, first and last
sequence number. The stream keeps them for 24 hours; after that only the table's backup knows.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from etl.aws import client
from etl.capture.bronze_row import sequence_number
from etl.log import iso, log

Handler = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
RECEIVED = 10
_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of the queue: messages dealt with, records captured by them, messages left, with why."""

    messages: int = 0
    records: int = 0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be delivered, and why."""

    record: Mapping[str, Any]
    reason: str


def set_aside(poison: Poison) -> bool:
    """Put a record that no retry can make deliverable into the on-failure queue, whole; whether it is there.

    An event source mapping would do it after hours of retries, and leave out the record. What does not fit into a
    message, or where there is no queue, is left to the mapping.
    """
    url = os.environ.get("CDC_FAILURE_QUEUE_URL", "")
    number = sequence_number(poison.record)
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


def replay(queue_url: str, sqs: Any, streams: Any, capture: Handler) -> Replayed:
    """Send every message's records through change capture; a message whose records all went is deleted.

    Parameters
    ----------
    queue_url
        The queue.
    sqs, streams
        boto3 clients of SQS and DynamoDB Streams.
    capture
        `etl.capture.handler.handler`.
    """
    done = records = 0
    left: list[str] = []
    for message in _messages(queue_url, sqs):
        try:
            found = _records(streams, json.loads(message["Body"]))
            failed = capture({"Records": found}, None)["batchItemFailures"] if found else []
            reason = f"{len(failed)} of {len(found)} records failed again" if failed else ""
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            found, reason = [], "the stream does not have its records any more"
        except (KeyError, TypeError, ValueError) as error:
            found, reason = [], f"not a message of an event source mapping: {type(error).__name__}: {error}"
        if reason:
            left.append(f"{message['MessageId']}: {reason}")
            log("failures", reason, level="ERROR", status="failed", message_id=message["MessageId"])
            continue
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        done, records = done + 1, records + len(found)
    return Replayed(done, records, tuple(left))


def _messages(queue_url: str, sqs: Any) -> Iterator[dict[str, Any]]:
    """Every message once: those left come back when their visibility timeout is over, which ends the loop."""
    seen: set[str] = set()
    while True:
        reply = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=RECEIVED, VisibilityTimeout=60, WaitTimeSeconds=0
        )
        fresh = [message for message in reply.get("Messages", ()) if message["MessageId"] not in seen]
        if not fresh:
            return
        seen.update(message["MessageId"] for message in fresh)
        yield from fresh


def _records(streams: Any, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    record = message.get("record")
    # Only the local capture's messages carry the record, and only where it is not too large.
    if record and {"NewImage", "OldImage"} & record["dynamodb"].keys():
        return [record]
    return list(_from_stream(streams, message["DDBStreamBatchInfo"]))


def _from_stream(streams: Any, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"StreamArn": batch["streamArn"], "ShardId": batch["shardId"]}
    last = int(batch["endSequenceNumber"])
    start = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": batch["startSequenceNumber"]}
    iterator = streams.get_shard_iterator(**place, **start)["ShardIterator"]
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            yield record
        # An empty page of an open shard would go on for ever.
        iterator = page.get("NextShardIterator") if page["Records"] else None

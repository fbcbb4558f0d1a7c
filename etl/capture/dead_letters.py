"""The on-failure queue of change capture: sets records aside in it, and replays its messages.

A message of an event source mapping says where the records are, not what they hold: stream, shard, first and last
sequence number. The stream keeps them for 24 hours; after that only the table's backup has the data.
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
    """Result of a replay: messages deleted, records captured from them, and messages left, each with the reason."""

    messages: int = 0
    records: int = 0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be delivered, and the reason."""

    record: Mapping[str, Any]
    reason: str


def set_aside(poison: Poison) -> bool:
    """Put a whole record that no retry can make deliverable into the on-failure queue; return whether it is there.

    An event source mapping would do so after hours of retries, and leave out the record. A record that does not fit
    into a message is left to the mapping, and so are all if there is no queue.
    """
    url = os.environ.get("CDC_FAILURE_QUEUE_URL", "")
    number = sequence_number(poison.record)
    if not (url and number):
        return False
    message = {"reason": poison.reason, "setAsideAt": iso(datetime.now(UTC)), "record": poison.record}
    try:
        client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message, default=str))
    except Exception as error:  # noqa: BLE001  after any error the record is not in the queue
        log("capture", "not set aside", status="poison", error=error)
        return False
    return True


def replay(queue_url: str, sqs: Any, streams: Any, capture: Handler) -> Replayed:
    """Send the records of every message through change capture; delete the messages whose records all succeeded.

    `sqs` and `streams` are the boto3 clients of SQS and DynamoDB Streams; `capture` is `etl.capture.handler.handler`.
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
            found, reason = [], "the stream no longer has its records"
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
    """Every message once. Messages that were left return after their visibility timeout, which ends the loop."""
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
    # Messages of `set_aside` and of the local capture carry the record, unless it was too large.
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
        # An open shard returns empty pages endlessly.
        iterator = page.get("NextShardIterator") if page["Records"] else None

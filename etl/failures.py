"""Change capture's on-failure queue: what could not be captured, fetched from the stream again and sent through.

A message of an event source mapping says where the records are, not what they hold: stream, shard, first and last
sequence number. The stream keeps them for 24 hours; after that only the table's backup knows.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from etl.log import log

Handler = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
RECEIVED = 10
_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of the queue: messages dealt with, records captured by them, messages left, with why."""

    messages: int = 0
    records: int = 0
    left: tuple[str, ...] = ()


def replay(queue_url: str, sqs: Any, streams: Any, capture: Handler) -> Replayed:
    """Send every message's records through change capture; a message whose records all went is deleted.

    Parameters
    ----------
    queue_url
        The queue.
    sqs, streams
        boto3 clients of SQS and DynamoDB Streams.
    capture
        `etl.capture.handler`.
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

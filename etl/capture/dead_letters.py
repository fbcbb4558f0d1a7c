"""The on-failure queue of change capture: sets records aside in it, reads, replays and erases its messages.

A message of an event source mapping says where the records are, not what they hold: stream, shard, first and last
sequence number. The stream keeps them for 24 hours; after that only the table's backup has the data. A message of
`set_aside` has the record itself, as much of it as a replay needs.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from etl.aws import client
from etl.capture.bronze_row import IMAGES, cut, person_of, sequence_number
from etl.log import iso, log

Handler = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
MESSAGE_BYTES = 1024 * 1024  # the most that SQS takes, and so the limit of the queue
RETENTION_DAYS = 14  # the most that SQS takes
RECEIVED = 10
MOST = 100_000  # messages in one reading: SQS hides no more than 120,000 at a time
HIDDEN_SECONDS = 300
REASON_CHARACTERS = 200
_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}
# What a replay needs of a record, its images apart.
_RECORD = ("eventID", "eventName", "eventSourceARN", "userIdentity", "cut")
_CHANGE = ("ApproximateCreationDateTime", "Keys", "SequenceNumber")


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


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue: its id, the handle that deletes it, and its text."""

    id: str
    receipt: str
    body: str

    @property
    def content(self) -> Mapping[str, Any]:
        """The parsed text; empty if it is no JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def record(self) -> Mapping[str, Any] | None:
        """The stream record that was set aside; None if the message only says where records are."""
        found = self.content.get("record")
        return found if isinstance(found, dict) else None

    def is_about(self, user_id: str) -> bool:
        """Whether the message is of a person's change; if it does not say whose, whether it names the person."""
        owner = person_of(self.record) if self.record else ""
        if owner:
            return owner == user_id
        return bool(re.search(rf"(?<![\w:.@-]){re.escape(user_id)}(?![\w:.@-])", self.body))


@dataclass(frozen=True, slots=True)
class Found:
    """Result of a search: ids of a person's messages, and the number of messages that could not be looked at."""

    messages: tuple[str, ...] = ()
    unseen: int = 0


def set_aside(poison: Poison) -> bool:
    """Put a record that no retry can make deliverable into the on-failure queue; return whether it is there.

    An event source mapping would do so after hours of retries, and leave out the record. If the queue cannot be
    reached, or there is none, the record is left to the mapping.
    """
    url = os.environ.get("CDC_FAILURE_QUEUE_URL", "")
    if not url:
        return False
    try:
        client("sqs").send_message(QueueUrl=url, MessageBody=_body(poison))
    except Exception as error:  # noqa: BLE001  after any error the record is not in the queue
        log("capture", "not set aside", status="poison", error=error)
        return False
    return True


def _body(poison: Poison) -> str:
    """The text of a message, cut until it fits."""
    body = ""
    for record in _ever_less(poison.record):
        message = {
            "reason": poison.reason[:REASON_CHARACTERS],
            "setAsideAt": iso(datetime.now(UTC)),
            "record": record,
        }
        body = json.dumps(message, default=str)
        if len(body) <= MESSAGE_BYTES:
            break
    return body


def _ever_less(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a replay needs of a record: with the new image, with the new image cut, and only where it is."""
    change = record.get("dynamodb")
    change = change if isinstance(change, Mapping) else {}
    kept = {name: record[name] for name in _RECORD if name in record}
    place = {name: change[name] for name in _CHANGE if name in change}
    if person_of(record):  # otherwise nobody could tell whose the images are
        whole = {**kept, "dynamodb": place | {name: change[name] for name in IMAGES if name in change}}
        yield cut(whole, ["OldImage"])
        yield cut(whole, list(IMAGES))
    yield {**kept, "dynamodb": place}
    yield {"dynamodb": {"SequenceNumber": sequence_number(record)[:40]}}


def messages(queue_url: str, sqs: Any, most: int = MOST) -> Iterator[Message]:
    """Every message of the queue once, at most `most`; delete one with `delete`, the others go back at the end.

    While they are read they are hidden from other readers. Messages that another reader has hidden are not found.
    """
    seen: dict[str, str] = {}
    try:
        while len(seen) < most:
            # Waiting asks all servers of the queue; otherwise SQS asks some of them.
            reply = sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=min(RECEIVED, most - len(seen)),
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,
            )
            fresh = [message for message in reply.get("Messages", ()) if message["MessageId"] not in seen]
            if not fresh:
                return
            seen |= {message["MessageId"]: message["ReceiptHandle"] for message in fresh}
            for message in fresh:
                yield Message(message["MessageId"], message["ReceiptHandle"], message["Body"])
    finally:
        _give_back(queue_url, sqs, seen.values())


def _give_back(queue_url: str, sqs: Any, receipts: Iterable[str]) -> None:
    """Show messages again; those that were deleted meanwhile are refused one by one."""
    entries = [
        {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
        for number, receipt in enumerate(receipts)
    ]
    for start in range(0, len(entries), RECEIVED):
        sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries[start : start + RECEIVED])


def delete(queue_url: str, sqs: Any, message: Message) -> None:
    """Delete a message."""
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message.receipt)


def search(queue_url: str, sqs: Any, user_id: str, *, erase: bool = False) -> Found:
    """Look for a person in the queue; `erase`: delete the person's messages.

    The messages of an event source mapping name nobody: they only say where in the stream records are.
    """
    name = "ApproximateNumberOfMessagesNotVisible"
    held = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])["Attributes"]
    found, looked_at = [], 0
    for message in messages(queue_url, sqs):
        looked_at += 1
        if message.is_about(user_id):
            found.append(message.id)
            if erase:
                delete(queue_url, sqs, message)
    return Found(tuple(found), int(held[name]) + (looked_at >= MOST))


def replay(queue_url: str, sqs: Any, streams: Any, capture: Handler) -> Replayed:
    """Send the records of every message through change capture; delete the messages whose records all succeeded.

    `sqs` and `streams` are the boto3 clients of SQS and DynamoDB Streams; `capture` is `etl.capture.handler.handler`,
    which leaves out erased people.
    """
    done = records = 0
    left: list[str] = []
    for message in messages(queue_url, sqs):
        found, reason = _replay(message, streams, capture)
        if reason:
            left.append(f"{message.id}: {reason}")
            log("failures", reason, level="ERROR", status="failed", message_id=message.id)
            continue
        delete(queue_url, sqs, message)
        done, records = done + 1, records + found
    return Replayed(done, records, tuple(left))


def _replay(message: Message, streams: Any, capture: Handler) -> tuple[int, str]:
    """Capture the records of a message; return their number, and why the message must stay (empty if it need not)."""
    try:
        found = _records(streams, message)
        if not found:
            return 0, "the stream no longer has its records"
        failed = capture({"Records": found}, None)["batchItemFailures"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        return 0, "the stream no longer has its records"
    except (KeyError, TypeError, ValueError) as error:
        return 0, f"not a message of an event source mapping: {type(error).__name__}: {error}"
    return len(found), f"{len(failed)} of {len(found)} records failed again" if failed else ""


def _records(streams: Any, message: Message) -> list[Mapping[str, Any]]:
    record = message.record
    if record and (IMAGES.keys() & record["dynamodb"].keys() or record["eventName"] == "REMOVE"):
        return [record]
    return list(_from_stream(streams, message.content["DDBStreamBatchInfo"]))


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

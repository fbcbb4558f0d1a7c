"""The on-failure queue of change capture: sets records aside in it; lists, replays, discards and erases its messages.

A message of an event source mapping says where the records are, not what they hold: stream, shard, first and last
sequence number. The stream keeps them for 24 hours; after that only the table's backup has the data. A message of
`set_aside` has the record itself, as much of it as a replay needs.

Whoever receives a message hides it from all others for `HELD_SECONDS`, so what stays in the queue is released.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from etl.aws import client
from etl.capture.bronze_row import IMAGES, bronze_line, cut, person_of, sequence_number
from etl.log import iso, log

Handler = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
MESSAGE_BYTES = 1024 * 1024  # the most that SQS takes, and so the limit of the queue
RETENTION_DAYS = 14  # the most that SQS takes
RECEIVED = 10
# Long enough to receive all of a long queue once.
HELD_SECONDS = 300
# A receive without waiting asks only some of the servers of a queue, and may find nothing where there is something.
WAIT_SECONDS = 1
# Messages that are read to find one.
MOST_SEARCHED = 1000
# Messages that are read to erase a person: SQS hides no more than 120,000 at a time.
MOST_HELD = 100_000
REASON_CHARACTERS = 200
SHOWN = 300  # characters of a reason
FOREIGN = "the message is not about a change of the table: neither change capture nor its mapping wrote it"
_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}
PLACELESS = "the message does not say where the stream has its records"
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
class DeadLetter:
    """A message of the queue.

    Parameters
    ----------
    since
        When it came into the queue, ISO 8601 UTC; empty if SQS does not say.
    about
        The change in it, or where the stream has the changes: no content of an item.
    reason
        Why they were not captured, as the message says.
    user_id
        Whose item the change is about; empty if the message does not say.
    """

    id: str
    since: str
    about: str
    reason: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue at one moment, as far as SQS knows.

    Parameters
    ----------
    messages
        Number of messages, with those that somebody has received and not deleted yet.
    letters
        The oldest of those that were looked at.
    """

    messages: int = 0
    letters: tuple[DeadLetter, ...] = ()

    @property
    def since(self) -> str:
        """When the oldest of the letters came, ISO 8601 UTC; empty without any."""
        return min((letter.since for letter in self.letters), default="")


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be delivered, and the reason."""

    record: Mapping[str, Any]
    reason: str


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


def waiting(queue_url: str, sqs: Any, most: int) -> Waiting:
    """Return how many messages wait, and what up to `most` of them say. They stay in the queue."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    visible, hidden = (int(found[name]) for name in names)
    held: list[dict[str, Any]] = []
    if visible:
        for received in _received(queue_url, sqs):
            held += received
            if len(held) >= min(most, visible):
                break
    _release(queue_url, sqs, held)
    letters = sorted(map(_letter, held), key=lambda letter: letter.since)
    return Waiting(max(visible + hidden, len(held)), tuple(letters[:most]))


def find(queue_url: str, sqs: Any, message_id: str) -> DeadLetter | None:
    """Return what a message says, which stays in the queue; None if it is not there or in use by somebody else."""
    message = _search(queue_url, sqs, message_id)
    if message is None:
        return None
    _release(queue_url, sqs, [message])
    return _letter(message)


def discard(queue_url: str, sqs: Any, message_id: str) -> bool:
    """Delete one message; return False if it is not there or in use by somebody else."""
    message = _search(queue_url, sqs, message_id)
    if message is None:
        return False
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return True


def replay(queue_url: str, sqs: Any, streams: Any, capture: Handler) -> Replayed:
    """Send the records of every message through change capture; delete the messages whose records all succeeded.

    `sqs` and `streams` are the boto3 clients of SQS and DynamoDB Streams; `capture` is `etl.capture.handler.handler`,
    which leaves out erased people.
    """
    done = records = 0
    kept: list[dict[str, Any]] = []
    left: list[str] = []
    for message in chain.from_iterable(_received(queue_url, sqs)):
        found, reason = _again(message, streams, capture)
        if reason:
            kept.append(message)
            left.append(f"{message['MessageId']}: {reason}")
            log("failures", reason, level="ERROR", status="failed", message_id=message["MessageId"])
            continue
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        done, records = done + 1, records + found
    _release(queue_url, sqs, kept)
    return Replayed(done, records, tuple(left))


def search(queue_url: str, sqs: Any, user_id: str, *, erase: bool = False) -> Found:
    """Look for a person in the queue; `erase`: delete the person's messages. The others stay.

    The messages of an event source mapping name nobody: they only say where in the stream records are.
    """
    hidden = "ApproximateNumberOfMessagesNotVisible"
    before = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[hidden])["Attributes"]
    found: list[str] = []
    kept: list[dict[str, Any]] = []
    try:
        for message in islice(chain.from_iterable(_received(queue_url, sqs)), MOST_HELD):
            if is_own := _is_about(message, user_id):
                found.append(message["MessageId"])
            if is_own and erase:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            else:
                kept.append({"ReceiptHandle": message["ReceiptHandle"]})
    finally:
        _release(queue_url, sqs, kept)
    return Found(tuple(found), int(before[hidden]) + (len(kept) >= MOST_HELD))


def _is_about(message: Mapping[str, Any], user_id: str) -> bool:
    """Whether a message is of a person's change; if it does not say whose, whether it names the person."""
    owner = person_of((_content(message) or {}).get("record"))
    if owner:
        return owner == user_id
    return bool(re.search(rf"(?<![\w:.@-]){re.escape(user_id)}(?![\w:.@-])", message["Body"]))


def _again(message: Mapping[str, Any], streams: Any, capture: Handler) -> tuple[int, str]:
    """Capture the records of a message; return their number, and why they are not captured (empty if they are)."""
    content = _content(message)
    if content is None:
        return 0, FOREIGN
    try:
        found = _records(streams, content)
    except LookupError as error:
        return 0, str(error)
    except (ValueError, ParamValidationError) as error:
        return 0, f"{PLACELESS}: {' '.join(str(error).split())}"[:SHOWN]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE:
            return 0, "the stream no longer has its records"
        if code == "ValidationException":
            return 0, f"{PLACELESS}: {error}"[:SHOWN]
        raise
    if not found:
        return 0, "the stream no longer has its records"
    failed = capture({"Records": found}, None)["batchItemFailures"]
    if not failed:
        return len(found), ""
    numbers = {entry["itemIdentifier"] for entry in failed}
    again = [record for record in found if sequence_number(record) in numbers]
    reasons = "; ".join(dict.fromkeys(map(_why, again)))[:SHOWN]
    return len(found), f"{len(failed)} of {len(found)} records failed again: {reasons}"


def _why(record: Mapping[str, Any]) -> str:
    try:
        bronze_line(record)
    except ValueError as error:
        return str(error)
    return "Firehose did not take it, as the log of this run says"


def _content(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what change capture or its event source mapping wrote into a message; None if somebody else did."""
    try:
        content = json.loads(message["Body"])
    except ValueError:
        return None
    is_ours = isinstance(_inside(content, "record", "dynamodb"), dict) or _is_place(content)
    return content if is_ours else None


def _inside(content: Any, *names: str) -> Any:
    """Return what is at this path; None if it is not there, whatever is there instead."""
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _is_place(content: Any) -> bool:
    names = ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")
    return all(isinstance(_inside(content, "DDBStreamBatchInfo", name), str) for name in names)


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    content = _content(message)
    sent = message.get("Attributes", {}).get("SentTimestamp")
    since = iso(datetime.fromtimestamp(int(sent) / 1000, UTC)) if sent else ""
    about, reason = ("", FOREIGN) if content is None else (_about(content), _reason(content))
    owner = str(_inside(content, "record", "dynamodb", "Keys", "PK", "S") or "").partition("#")[2]
    return DeadLetter(message["MessageId"], since, about[:SHOWN], reason[:SHOWN], owner[:SHOWN])


def _about(content: Mapping[str, Any]) -> str:
    if not _is_place(content) or "record" in content:
        keys = (_inside(content, "record", "dynamodb", "Keys", name, "S") for name in ("PK", "SK"))
        return " ".join(str(part) for part in (_inside(content, "record", "eventName"), *keys) if part)
    batch = content["DDBStreamBatchInfo"]
    place = f"{batch['shardId']}, {batch['startSequenceNumber']} to {batch['endSequenceNumber']}"
    return f"{batch.get('batchSize', 'some')} records of {place}"


def _reason(content: Mapping[str, Any]) -> str:
    if given := content.get("reason"):
        return str(given)
    attempts = _inside(content, "requestContext", "approximateInvokeCount")
    said = [
        str(_inside(content, "requestContext", "condition") or "given up"),
        f"after {attempts} attempts" if attempts else "",
    ]
    error = _inside(content, "responseContext", "functionError")
    return " ".join(part for part in said if part) + (f": {error}" if error else "")


def _search(queue_url: str, sqs: Any, message_id: str) -> dict[str, Any] | None:
    """Receive messages until this one is among them, and release the others."""
    others: list[dict[str, Any]] = []
    found = None
    for received in _received(queue_url, sqs):
        others += (message for message in received if message["MessageId"] != message_id)
        found = next((message for message in received if message["MessageId"] == message_id), None)
        if found or len(others) >= MOST_SEARCHED:
            break
    _release(queue_url, sqs, others)
    return found


def _received(queue_url: str, sqs: Any) -> Iterator[list[dict[str, Any]]]:
    """Every message once, some at a time; the caller deletes or releases them, or they return by themselves."""
    seen: set[str] = set()
    while True:
        reply = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=RECEIVED,
            VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        fresh = [message for message in reply.get("Messages", ()) if message["MessageId"] not in seen]
        if not fresh:
            return
        seen.update(message["MessageId"] for message in fresh)
        yield fresh


def _release(queue_url: str, sqs: Any, messages: Sequence[Mapping[str, Any]]) -> None:
    """Let others receive messages at once. A message that is no longer held is left as it is."""
    for start in range(0, len(messages), RECEIVED):
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for number, message in enumerate(messages[start : start + RECEIVED])
        ]
        sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)


def _records(streams: Any, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the records of a message. Raises LookupError if it does not say where they are, and errors of AWS."""
    change = _inside(message, "record", "dynamodb")
    # Messages of `set_aside` carry the record. A removal needs no image.
    if isinstance(change, dict) and (
        IMAGES.keys() & change.keys() or message["record"].get("eventName") == "REMOVE"
    ):
        return [message["record"]]
    if not _is_place(message):
        raise LookupError(f"{PLACELESS}, and does not have the whole record")
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

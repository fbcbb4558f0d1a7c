"""Change capture on a laptop: reads the table's stream for the capture handler, as an event source mapping does.

``python -m localcloud.capture`` reads DynamoDB Streams through its public API: every shard, parents before children,
first from the oldest record, later from the checkpoints in ``LOCAL_DIR/capture.json``. It passes batches as Lambda does
to ``etl.capture.handler.handler`` in this process, and writes a checkpoint after the handler has accepted the records.
"""

import base64
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from etl.capture.bronze_row import ENTITIES
from etl.log import iso, log
from localcloud.event_source_mapping import Delivery, Failure, LambdaContext, Record, Stopped, sequence_number
from localcloud.files import write_atomically
from localcloud.iterator_age import IteratorAge

CAPTURED_PREFIXES = tuple(f"{entity}#" for entity in ENTITIES)
BATCH_SIZE = 500
POLL_SECONDS = 0.2
SHARDS_SECONDS = 10.0
# A retry would hide a restart of the server, after which iterators may no longer be valid.
NO_RETRIES = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=20)
OPERATION = "capture.read"


class Checkpoints:
    """The last settled sequence number of each shard of a stream, kept in a JSON file.

    If the file is lost or unreadable, records are delivered again.
    """

    def __init__(self, path: Path, stream: str) -> None:
        self.path, self.stream = path, stream
        self.positions: dict[str, str] = {}
        self.delivered_until = ""
        self._load()

    def _load(self) -> None:
        try:
            saved = json.loads(self.path.read_text())
            if saved["stream"] == self.stream:
                self.positions, self.delivered_until = dict(saved["positions"]), saved["delivered_until"]
        except (OSError, ValueError, KeyError, TypeError):
            return

    def save(self, shard: str, number: str) -> None:
        """Save that all records of ``shard`` up to ``number`` are settled."""
        self.positions[shard] = number
        content = {
            "stream": self.stream,
            "positions": self.positions,
            "delivered_until": self.delivered_until,
        }
        write_atomically(self.path, json.dumps(content))

    def delivered(self, records: list[Record]) -> None:
        """Note the time of the newest delivered change; the next ``save`` writes it."""
        newest = max(record["dynamodb"].get("ApproximateCreationDateTime", 0) for record in records)
        self.delivered_until = max(self.delivered_until, _iso(newest))


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard of the stream; without an ``iterator``, the next read gets a new one."""

    id: str
    parent: str | None = None
    iterator: str | None = None
    ended: bool = False


class Stream:
    """Reads a table's stream shard by shard, from its checkpoints on; ``client`` is for ``dynamodbstreams``."""

    def __init__(self, client: Any, arn: str, checkpoints: Checkpoints) -> None:
        self.client, self.arn, self.checkpoints = client, arn, checkpoints
        self.shards: dict[str, Shard] = {}
        self._listed_at = float("-inf")

    def readable(self) -> list[Shard]:
        """Return the shards to read now: open ones whose parent has ended or is gone."""
        if time.monotonic() - self._listed_at > SHARDS_SECONDS:
            self._list_shards()
        return [shard for shard in self.shards.values() if not shard.ended and self._parent_done(shard)]

    def read(self, shard: Shard) -> list[Record]:
        """Return the next records of ``shard`` (at most BATCH_SIZE, often none) and advance its iterator."""
        iterator = shard.iterator or self._iterator(shard)
        try:
            page = self.client.get_records(ShardIterator=iterator, Limit=BATCH_SIZE)
        except ClientError as error:
            self._reopen(shard, error)
            return []
        following = page.get("NextShardIterator")
        self.shards[shard.id] = replace(shard, iterator=following, ended=following is None)
        if following is None:
            self._listed_at = float("-inf")  # a shard that ends usually has children
        return [lambda_record(record, self.arn) for record in page["Records"]]

    def forget_iterators(self) -> None:
        """Continue from the checkpoints, after a failed batch or a restart of the server."""
        self._listed_at = float("-inf")
        self.shards = {}

    def _parent_done(self, shard: Shard) -> bool:
        parent = self.shards.get(shard.parent or "")
        return parent is None or parent.ended

    def _list_shards(self) -> None:
        listed = {shard["ShardId"]: shard for shard in self._describe()}
        self.shards = {
            shard_id: self.shards.get(shard_id) or Shard(shard_id, shard.get("ParentShardId"))
            for shard_id, shard in listed.items()
        }
        self._listed_at = time.monotonic()

    def _describe(self) -> Iterator[dict[str, Any]]:
        """Yield all shards; botocore has no paginator for this call."""
        start: dict[str, str] = {}
        while True:
            found = self.client.describe_stream(StreamArn=self.arn, **start)["StreamDescription"]
            yield from found["Shards"]
            if not found.get("LastEvaluatedShardId"):
                return
            start = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}

    def _iterator(self, shard: Shard) -> str:
        number = self.checkpoints.positions.get(shard.id)
        if number:
            try:
                return self._ask_iterator(
                    shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=number
                )
            except ClientError as error:
                if error_code(error) != "TrimmedDataAccessException":
                    raise
                log(
                    OPERATION,
                    "the stream no longer has the records after the checkpoint",
                    level="ERROR",
                    status="lost",
                    shard=shard.id,
                )
        return self._ask_iterator(shard, ShardIteratorType="TRIM_HORIZON")

    def _ask_iterator(self, shard: Shard, **position: str) -> str:
        answer = self.client.get_shard_iterator(StreamArn=self.arn, ShardId=shard.id, **position)
        return str(answer["ShardIterator"])

    def _reopen(self, shard: Shard, error: ClientError) -> None:
        if error_code(error) not in {"ExpiredIteratorException", "TrimmedDataAccessException"}:
            raise error
        self.shards[shard.id] = replace(shard, iterator=None)


class Capture:
    """Moves every captured change from a stream to a delivery until stopped."""

    def __init__(self, stream: Stream, delivery: Delivery, stop: threading.Event) -> None:
        self.stream, self.delivery, self.stop = stream, delivery, stop

    def run(self) -> None:
        """Poll until ``stop`` is set; log and retry errors of AWS."""
        while not self.stop.is_set():
            try:
                full = self.round()
            except Stopped:
                return
            except (BotoCoreError, ClientError) as error:
                log(OPERATION, "the stream cannot be read", level="WARNING", status="retry", error=str(error))
                self.stream.forget_iterators()
                self.stop.wait(1)
            else:
                if not full:
                    self.stop.wait(POLL_SECONDS)

    def round(self) -> bool:
        """Read and deliver one batch of every shard; return whether one was full."""
        return max([self._advance(shard) for shard in self.stream.readable()], default=False)

    def _advance(self, shard: Shard) -> bool:
        records = self.stream.read(shard)
        if not records:
            return False
        begun = time.monotonic()
        wanted = [record for record in records if is_captured(record)]
        checkpoints = self.stream.checkpoints
        self.delivery.deliver(wanted, lambda number: checkpoints.save(shard.id, number), shard.id)
        if wanted:
            checkpoints.delivered(wanted)
        checkpoints.save(shard.id, sequence_number(records[-1]))
        if wanted:
            duration = (time.monotonic() - begun) * 1000
            log(OPERATION, "moved on", duration_ms=duration, read=len(records), delivered=len(wanted))
        return len(records) >= BATCH_SIZE


def is_captured(record: Record) -> bool:
    """Whether the record belongs in the lake; sessions and idempotency records do not."""
    return str(record["dynamodb"]["Keys"]["PK"]["S"]).startswith(CAPTURED_PREFIXES)


def lambda_record(record: dict[str, Any], stream: str) -> Record:
    """Convert a record of ``GetRecords`` to Lambda's form: JSON types only, times as epoch seconds."""
    event: Record = _jsonable(record)
    event["eventSourceARN"] = stream
    if identity := event.pop("userIdentity", None):
        event["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return event


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def error_code(error: ClientError) -> str:
    """Return the AWS error code of ``error``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def queue_discards(client: Any, queue_url: str) -> Callable[[Failure], None]:
    """Return a ``discard`` for Delivery that sends a record's place in the stream to the SQS queue, as Lambda does."""

    def discard(failure: Failure) -> None:
        client.send_message(QueueUrl=queue_url, MessageBody=json.dumps(on_failure_message(failure)))
        number = sequence_number(failure.record)
        log(OPERATION, "gave up on a record", level="ERROR", status="discarded", sequence_number=number)

    return discard


def on_failure_message(failure: Failure) -> dict[str, Any]:
    """Return the on-failure message of a DynamoDB event source mapping: it says where the record is, not what."""
    record, invoked = failure.record, LambdaContext()
    number = sequence_number(record)
    arrived = _iso(record["dynamodb"].get("ApproximateCreationDateTime", 0))
    return {
        "requestContext": {
            "requestId": invoked.aws_request_id,
            "functionArn": invoked.invoked_function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": failure.attempts,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": invoked.function_version,
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": _iso(time.time()),
        "DDBStreamBatchInfo": {
            "shardId": failure.shard,
            "startSequenceNumber": number,
            "endSequenceNumber": number,
            "approximateArrivalOfFirstRecord": arrived,
            "approximateArrivalOfLastRecord": arrived,
            "batchSize": 1,
            "streamArn": record.get("eventSourceARN", ""),
        },
    }


def _iso(epoch: float) -> str:
    return iso(datetime.fromtimestamp(epoch, UTC))


def stream_arn(table: str) -> str:
    """Return the ARN of the stream of ``table``."""
    return str(boto3.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"])


def main() -> None:
    """Capture changes of TABLE_NAME until SIGTERM or SIGINT."""
    from etl.capture.handler import handler

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    arn = stream_arn(os.environ["TABLE_NAME"])
    checkpoints = Checkpoints(Path(os.environ["LOCAL_DIR"]) / "capture.json", arn)
    discard = queue_discards(boto3.client("sqs"), os.environ["CDC_FAILURE_QUEUE_URL"])
    stream = Stream(boto3.client("dynamodbstreams", config=NO_RETRIES), arn, checkpoints)
    log(OPERATION, "capturing changes", stream=arn)
    measured = IteratorAge(boto3.client("cloudwatch", config=NO_RETRIES)).of(handler)
    Capture(stream, Delivery(measured, discard, stop), stop).run()


if __name__ == "__main__":
    main()

"""The capture driver against a real local stream: what arrives, where it resumes, what it leaves out."""

from __future__ import annotations

import json
import threading
import uuid

import pytest

from etl.capture import dead_letters
from localcloud import capture
from localcloud.capture import Capture, Checkpoints, Stream, queue_discards
from localcloud.event_source_mapping import Delivery, Policy
from tests.roles import OWNER

FAST = Policy(retries=2, first_pause=0.0, longest_pause=0.0)


@pytest.fixture
def table(monkeypatch):
    """A table of its own, with a stream."""
    name = f"capture-{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(capture, "boto3", OWNER)  # the role may read the product's table only
    dynamodb = OWNER.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK")],
        KeySchema=[
            {"AttributeName": "PK", "KeyType": "HASH"},
            {"AttributeName": "SK", "KeyType": "RANGE"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    yield OWNER.resource("dynamodb").Table(name)
    dynamodb.delete_table(TableName=name)


class Handler:
    """Remembers the records it was sent; ``answer`` may be replaced."""

    def __init__(self) -> None:
        self.records, self.batches = [], []
        self.answer = lambda records: None

    def __call__(self, event, context):
        self.batches.append(event["Records"])
        self.records += event["Records"]
        return self.answer(event["Records"])

    @property
    def ids(self) -> list[str]:
        return [one["dynamodb"]["Keys"]["SK"]["S"] for one in self.records]


@pytest.fixture
def handler():
    return Handler()


@pytest.fixture
def driver(table, handler, tmp_path):
    """Return a function that makes a driver as a start of the process does, from what is on disk."""

    def make(discard=None, client=None) -> Capture:
        arn = capture.stream_arn(table.name)
        stop = threading.Event()
        stream = Stream(
            client or OWNER.client("dynamodbstreams"), arn, Checkpoints(tmp_path / "capture.json", arn)
        )
        return Capture(stream, Delivery(handler, discard or pytest.fail, stop, FAST), stop)

    return make


def put(table, *numbers: int, pk: str = "TASK#u1", **attributes) -> None:
    for number in numbers:
        table.put_item(Item={"PK": pk, "SK": f"TASK#{number:04d}", **attributes})


def keys(*numbers: int) -> list[str]:
    return [f"TASK#{number:04d}" for number in numbers]


def test_records_reach_the_handler_as_lambda_sends_them(table, handler, driver):
    put(table, 1, title="first", price=3)
    put(table, 1, title="second", price=4)
    table.delete_item(Key={"PK": "TASK#u1", "SK": "TASK#0001"})

    driver().round()

    inserted, modified, removed = handler.records
    assert [one["eventName"] for one in handler.records] == ["INSERT", "MODIFY", "REMOVE"]
    assert inserted["dynamodb"]["NewImage"]["price"] == {"N": "3"}
    assert "OldImage" not in inserted["dynamodb"]
    assert modified["dynamodb"]["OldImage"]["title"] == {"S": "first"}
    assert "NewImage" not in removed["dynamodb"]
    for one in handler.records:
        assert one["eventSource"] == "aws:dynamodb"
        assert one["awsRegion"] == "us-east-1"
        assert one["eventSourceARN"] == capture.stream_arn(table.name)
        assert one["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert isinstance(one["dynamodb"]["ApproximateCreationDateTime"], int | float)
        assert one["eventID"]
    assert json.loads(json.dumps(handler.records)) == handler.records


def test_only_what_belongs_in_the_lake_is_delivered(table, handler, driver):
    for pk in ("SESSION#x", "USER#u1", "IDEMPOTENCY#u1#k", "TASK#u1", "TRASH#u1", "LOCK#a@b"):
        put(table, 1, pk=pk)

    driver().round()

    assert [one["dynamodb"]["Keys"]["PK"]["S"] for one in handler.records] == [
        "USER#u1",
        "TASK#u1",
        "TRASH#u1",
    ]


def test_a_restart_goes_on_after_what_was_accepted(table, handler, driver):
    put(table, 1, 2)
    driver().round()
    put(table, 3)
    driver().round()

    assert handler.ids == keys(1, 2, 3)


def test_records_that_are_only_filtered_out_move_the_checkpoint_too(table, handler, driver, tmp_path):
    put(table, 1, pk="SESSION#x")
    driver().round()
    before = (tmp_path / "capture.json").read_text()
    put(table, 2, pk="SESSION#x")
    driver().round()

    assert (tmp_path / "capture.json").read_text() != before
    assert handler.records == []


def test_what_was_not_accepted_comes_again_after_a_crash(table, handler, driver):
    put(table, 1, 2, 3)

    def crash(records):
        raise SystemExit

    handler.answer = crash
    with pytest.raises(SystemExit):
        driver().round()
    handler.records.clear()
    handler.answer = lambda records: None
    driver().round()

    assert handler.ids == keys(1, 2, 3)


def test_a_partial_failure_keeps_what_went_before_across_a_crash(table, handler, driver):
    put(table, 1, 2, 3)

    def third_then_crash(records):
        if len(records) < 3:
            raise SystemExit
        return {"batchItemFailures": [{"itemIdentifier": records[2]["dynamodb"]["SequenceNumber"]}]}

    handler.answer = third_then_crash
    with pytest.raises(SystemExit):
        driver().round()
    handler.records.clear()
    handler.answer = lambda records: None
    driver().round()

    assert handler.ids == keys(3)


def test_batches_hold_at_most_500_records(table, handler, driver):
    with table.batch_writer() as batch:
        for number in range(520):
            batch.put_item(Item={"PK": "TASK#u1", "SK": f"TASK#{number:04d}"})
    one = driver()

    assert one.round() is True
    assert one.round() is False
    assert [len(batch) for batch in handler.batches] == [500, 20]
    assert handler.ids == keys(*range(520))


def test_a_poison_record_is_given_up_with_its_place_in_the_stream_and_replayed_from_there(
    table, handler, driver
):
    put(table, 1, 2, 3, title="not in the message")
    sqs = OWNER.client("sqs")
    queue = sqs.create_queue(QueueName=f"failures-{uuid.uuid4().hex[:8]}")["QueueUrl"]

    def refuse_second(records):
        bad = [one for one in records if one["dynamodb"]["Keys"]["SK"]["S"] == "TASK#0002"]
        return {"batchItemFailures": [{"itemIdentifier": one["dynamodb"]["SequenceNumber"]} for one in bad]}

    handler.answer = refuse_second
    driver(discard=queue_discards(sqs, queue)).round()

    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    body = json.loads(message["Body"])
    assert body.keys() == {
        "requestContext",
        "responseContext",
        "version",
        "timestamp",
        "DDBStreamBatchInfo",
    }, "the members that AWS documents"
    assert "not in the message" not in message["Body"]
    number = body["DDBStreamBatchInfo"]["startSequenceNumber"]
    assert body["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert body["requestContext"]["approximateInvokeCount"] == FAST.retries + 1
    assert body["DDBStreamBatchInfo"]["startSequenceNumber"] == number
    assert body["DDBStreamBatchInfo"]["endSequenceNumber"] == number
    assert body["DDBStreamBatchInfo"]["batchSize"] == 1
    assert body["DDBStreamBatchInfo"]["streamArn"] == capture.stream_arn(table.name)
    assert handler.ids[-1] == "TASK#0003"

    handler.records.clear()
    handler.answer = lambda records: {"batchItemFailures": []}
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    done = dead_letters.replay(queue, sqs, OWNER.client("dynamodbstreams"), handler)
    assert (done.messages, done.records, done.left) == (1, 1, ())
    assert handler.ids == keys(2)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_torn_checkpoint_file_delivers_again(table, handler, driver, tmp_path):
    put(table, 1)
    driver().round()
    (tmp_path / "capture.json").write_text('{"stream": "arn:')
    driver().round()

    assert handler.ids == keys(1, 1)


class FakeStreams:
    """A streams client with several shards, whose iterators can be made to fail; records are just numbers."""

    def __init__(self, shards: list[dict], records: dict[str, list[int]]) -> None:
        self.shards, self.records = shards, records
        self.trimmed_before, self.expire_next, self.asked = 0, False, []

    def describe_stream(self, StreamArn, ExclusiveStartShardId=None):
        names = [shard["ShardId"] for shard in self.shards]
        at = names.index(ExclusiveStartShardId) + 1 if ExclusiveStartShardId else 0
        page = {"Shards": self.shards[at : at + 1]}
        if at + 1 < len(self.shards):
            page["LastEvaluatedShardId"] = names[at]
        return {"StreamDescription": page}

    def get_shard_iterator(self, StreamArn, ShardId, ShardIteratorType, SequenceNumber="0"):
        self.asked.append((ShardId, ShardIteratorType))
        if ShardIteratorType == "AFTER_SEQUENCE_NUMBER" and int(SequenceNumber) < self.trimmed_before:
            raise self._error("TrimmedDataAccessException")
        start = int(SequenceNumber) if ShardIteratorType == "AFTER_SEQUENCE_NUMBER" else 0
        return {"ShardIterator": f"{ShardId} {start}"}

    def get_records(self, ShardIterator, Limit):
        if self.expire_next:
            self.expire_next = False
            raise self._error("ExpiredIteratorException")
        shard, start = ShardIterator.split()
        found = [n for n in self.records[shard] if n > max(int(start), self.trimmed_before - 1)]
        closed = {"NextShardIterator": f"{shard} {found[-1] if found else start}"} if shard == "open" else {}
        return {"Records": [self._record(n) for n in found], **closed}

    def _record(self, number):
        key = {"PK": {"S": "TASK#u"}, "SK": {"S": f"TASK#{number:04d}"}}
        return {"eventID": str(number), "dynamodb": {"Keys": key, "SequenceNumber": str(number)}}

    def _error(self, code):
        return capture.ClientError({"Error": {"Code": code, "Message": code}}, "GetRecords")


def shards(*pairs):
    return [{"ShardId": name, **({"ParentShardId": parent} if parent else {})} for name, parent in pairs]


def test_a_parent_shard_is_read_to_its_end_before_its_children(table, handler, driver):
    client = FakeStreams(
        shards(("open", "middle"), ("middle", "old"), ("old", None)),
        {"old": [1, 2], "middle": [3], "open": [4]},
    )
    one = driver(client=client)
    for _ in range(4):
        one.round()

    assert handler.ids == keys(1, 2, 3, 4)


def test_a_shard_that_appears_later_is_found(table, handler, driver):
    client = FakeStreams(shards(("first", None)), {"first": [1], "open": [2]})
    one = driver(client=client)
    one.round()
    client.shards = shards(("first", None), ("open", "first"))
    one.round()
    one.round()

    assert handler.ids == keys(1, 2)


def test_an_expired_iterator_is_replaced_at_the_checkpoint(table, handler, driver):
    client = FakeStreams(shards(("open", None)), {"open": [1]})
    one = driver(client=client)
    one.round()
    client.records["open"].append(2)
    client.expire_next = True
    one.round()
    one.round()

    assert handler.ids == keys(1, 2)


def test_a_checkpoint_that_the_stream_has_forgotten_goes_on_from_the_oldest_record(table, handler, driver):
    client = FakeStreams(shards(("open", None)), {"open": [1]})
    driver(client=client).round()
    client.records["open"] = [7, 8]
    client.trimmed_before = 7
    driver(client=client).round()

    assert client.asked[-1] == ("open", "TRIM_HORIZON")
    assert handler.ids == keys(1, 7, 8)


def test_trouble_with_the_server_is_survived(table, handler, driver):
    client = FakeStreams(shards(("open", None)), {"open": [1]})
    one = driver(client=client)
    healthy, client.describe_stream = client.describe_stream, None

    def broken(**_):
        client.describe_stream = healthy
        raise capture.BotoCoreError

    client.describe_stream = broken
    handler.answer = lambda records: one.stop.set()
    one.run()

    assert handler.ids == keys(1)

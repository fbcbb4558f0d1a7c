"""The change-capture handler: what it sends, what it sends again, what it reports."""

import json
from datetime import timedelta
from decimal import Decimal
from random import Random

import boto3
import pytest

from etl.capture import dead_letters, dynamodb_json
from etl.capture.firehose import ATTEMPTS, BACKOFF_CAP_SECONDS, BACKOFF_SECONDS, Line, chunks, deliver
from etl.capture.handler import _erased, handler, lag_seconds
from etl.lake.config import ConfigError
from etl.lake.layout import user_bucket
from tests.etl.test_cut import LONG
from tests.etl.world import World, play
from tests.moto_aws import moto_aws


@pytest.fixture
def world():
    world = World()
    world.create_user("ann")
    world.create_task("ann", title="Tea", estimate=Decimal("1.10"), big=10**37 + 1, tags=["x"])
    return world


def lines(lake):
    return [json.loads(data) for data in lake.firehose.taken]


def test_changes_become_lines_with_who_what_and_when(lake, world):
    assert lake.capture(world.history) == []
    user, task = lines(lake)
    assert (user["event_name"], user["entity_type"], user["entity_id"]) == ("INSERT", "USER", "ann")
    assert task["event_id"] == world.history[1].event_id
    assert task["event_time"] == "2026-03-20T09:00:00.275462Z"
    assert task["sequence_number"] == str(world.history[1].sequence)
    assert (task["pk"], task["sk"], task["user_id"]) == ("TASK#ann", "TASK#0196-000001", "ann")
    assert (task["year"], task["month"], task["day"]) == ("2026", "03", "20")
    assert task["user_bucket"] == user_bucket("ann")
    assert (task["updated_by"], task["request_id"]) == ("ann", "req-1")
    assert task["old_image"] is None
    image = json.loads(task["new_image"], parse_float=Decimal)
    assert image["title"] == "Tea"
    assert image["estimate"] == Decimal("1.10")
    assert image["big"] == 10**37 + 1
    assert not {"PK", "SK", "GSI1PK", "GSI1SK", "GSI5SK"} & image.keys()


def test_one_line_per_record(lake, world):
    world.change_task("ann", "0196-000001", title="two\nlines")
    lake.capture(world.history)
    assert all(data.endswith(b"\n") and data.count(b"\n") == 1 for data in lake.firehose.taken)


def test_numbers_keep_every_digit(lake, world):
    lake.capture(world.history)
    assert '"estimate":1.10' in lines(lake)[1]["new_image"]


def test_only_users_tasks_and_trash_are_captured(lake, world):
    for pk in ("SESSION#abc", "IDEMPOTENCY#ann#key", "LOCK#x"):
        world.put(pk, "METADATA", {"data": "secret"})
    world.delete_task("ann", "0196-000001")
    assert lake.capture(world.history) == []
    assert [line["entity_type"] for line in lines(lake)] == ["USER", "TASK", "TASK", "TRASH"]


def test_removals_carry_the_old_image_and_no_author(lake, world):
    world.delete_task("ann", "0196-000001")
    lake.capture(world.history[2:3])
    (line,) = lines(lake)
    assert (line["event_name"], line["new_image"]) == ("REMOVE", None)
    assert json.loads(line["old_image"])["title"] == "Tea"
    assert (line["request_id"], line["updated_by"]) == (None, None)


def test_expiry_is_made_by_dynamodb(lake, world):
    record = world.history[1].record() | {
        "eventName": "REMOVE",
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
    }
    lake.capture_records([record])
    assert lines(lake)[0]["updated_by"] == "dynamodb.amazonaws.com"


def test_sets_binary_and_null_are_kept_and_named(lake, world):
    record = world.history[1].record()
    record["dynamodb"]["NewImage"] |= {
        "labels": {"SS": ["b", "a"]},
        "sizes": {"NS": ["10", "2"]},
        "photo": {"B": "aGk="},
        "raw": {"B": b"hi"},
        "nothing": {"NULL": True},
        "deep": {"M": {"in/side": {"L": [{"BS": ["aGk="]}]}}},
    }
    assert lake.capture_records([record]) == []
    (line,) = lines(lake)
    assert line["table_name"] == "todo-app-data"
    image = json.loads(line["new_image"])
    assert image["labels"] == ["a", "b"]
    assert sorted(image["sizes"]) == [2, 10]
    assert (image["photo"], image["raw"], image["nothing"]) == ("aGk=", "aGk=", None)
    assert image["deep"] == {"in/side": [["aGk="]]}
    assert json.loads(line["attribute_types"]) == {
        "new_image": {"/labels": "SS", "/sizes": "NS", "/photo": "B", "/raw": "B", "/deep/in~1side/0": "BS"}
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record.pop("dynamodb"),
        lambda record: record["dynamodb"].pop("Keys"),
        lambda record: record["dynamodb"].pop("ApproximateCreationDateTime"),
        lambda record: record.update(eventName="TRUNCATE"),
        lambda record: record.update(eventID=""),
        lambda record: record["dynamodb"].update(NewImage={"version": {"N": "NaN"}}),
        lambda record: record["dynamodb"].update(NewImage={"title": {"S": None}}),
        lambda record: record["dynamodb"].update(NewImage={"title": {"X": "?"}}),
        lambda record: record["dynamodb"].update(NewImage={"title": {"S": "\ud800"}}),
        lambda record: record["dynamodb"].update(ApproximateCreationDateTime=1e40),
    ],
)
def test_a_poison_record_is_reported_and_its_neighbours_are_delivered(lake, spoil):
    world = World()
    play(world, Random(1), 4)
    records = [change.record() for change in world.history]
    spoil(records[1])
    number = records[1].get("dynamodb", {}).get("SequenceNumber", "")
    assert lake.capture_records(records) == [number]
    sent = {line["event_id"] for line in lines(lake)}
    assert sent == {change.event_id for change in world.history} - {world.history[1].event_id}


def test_only_refused_entries_are_sent_again(lake):
    world = World()
    play(world, Random(2), 30)
    refused = set()

    def refuse_every_third_once(data):
        number = json.loads(data)["sequence_number"]
        first = int(number) % 9 == 0 and number not in refused
        refused.add(number) if first else None
        return first

    lake.firehose.refuse = refuse_every_third_once
    assert lake.capture(world.history) == []
    first, second = lake.firehose.calls
    assert len(first) == len(world.history)
    assert {json.loads(data)["sequence_number"] for data in second} == refused
    assert len(refused) > 3
    assert len(lines(lake)) == len(world.history)


def test_what_firehose_keeps_refusing_is_reported_in_order(lake, world):
    world.create_task("ann")
    world.create_task("ann")
    bad = {str(world.history[1].sequence), str(world.history[3].sequence)}
    lake.firehose.refuse = lambda data: json.loads(data)["sequence_number"] in bad
    assert lake.capture(world.history) == sorted(bad)
    assert len(lake.firehose.calls) == ATTEMPTS
    assert len(lines(lake)) == 2


def test_a_failing_call_is_tried_again(lake, world):
    lake.firehose.fail_calls = ATTEMPTS - 1
    assert lake.capture(world.history) == []
    lake.firehose.fail_calls = ATTEMPTS
    assert lake.capture(world.history) == [str(change.sequence) for change in world.history]


def test_no_waiting_when_the_invocation_is_about_to_end(lake, world):
    lake.firehose.refuse = lambda data: True
    lines = [Line("1", b"{}\n")]
    assert deliver(lines, "s", lake.firehose, may_wait=lambda seconds: False) == {"1"}
    assert len(lake.firehose.calls) == 1


def test_waits_grow_and_are_bounded(lake):
    waits = []
    lake.firehose.refuse = lambda data: True
    deliver([Line("1", b"{}\n")], "s", lake.firehose, sleep=waits.append)
    assert len(waits) == ATTEMPTS - 1
    limits = [BACKOFF_SECONDS * 2**attempt for attempt in range(len(waits))]
    assert all(
        0 <= wait <= min(limit, BACKOFF_CAP_SECONDS) for wait, limit in zip(waits, limits, strict=True)
    )


def test_batches_keep_firehose_limits():
    small = [Line(str(n), b"x" * 10) for n in range(1201)]
    assert [len(chunk) for chunk in chunks(small)] == [500, 500, 201]
    large = [Line(str(n), b"x" * 900_000) for n in range(10)]
    assert [len(chunk) for chunk in chunks(large)] == [4, 4, 2]
    assert [line for chunk in chunks(small) for line in chunk] == small


def test_without_a_stream_name_it_fails_loudly(monkeypatch, world):
    monkeypatch.delenv("CDC_STREAM", raising=False)
    with pytest.raises(ConfigError, match="CDC_STREAM"):
        handler({"Records": [world.history[0].record()]}, None)


def test_an_empty_batch_is_fine(lake):
    assert lake.capture_records([]) == []
    assert lake.firehose.calls == []


class Queue:
    """The on-failure queue, in an account of moto's."""

    def __init__(self):
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName="todo-cdc-failures")["QueueUrl"]

    def delete(self):
        self.sqs.delete_queue(QueueUrl=self.url)

    def show(self):
        """Show hidden messages again."""
        for receipt in self.receipts:
            self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)

    def replay(self):
        return dead_letters.replay(self.url, self.sqs, None, handler)

    def taken(self):
        """Contents of its messages; they are hidden for the next 30 seconds."""
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", ())
        self.receipts = [message["ReceiptHandle"] for message in found]
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture
def aside(lake, monkeypatch):
    """Capture as in Lambda, with an on-failure queue; a function from records to what is reported, and the queue."""
    with moto_aws():
        queue = Queue()
        monkeypatch.setenv("CDC_STREAM", "todo-cdc-stream")
        monkeypatch.setenv("BRONZE_BUCKET", lake.config.bronze_bucket)
        monkeypatch.setenv("CDC_FAILURE_QUEUE_URL", queue.url)
        monkeypatch.setattr("etl.capture.handler.client", lake.client)
        _erased.cache_clear()
        monkeypatch.setattr("etl.capture.dead_letters.client", lambda service: queue.sqs)
        yield lambda records: handler({"Records": records}, object())["batchItemFailures"], queue


def test_a_poison_record_is_set_aside_and_can_be_replayed(lake, world, aside, monkeypatch):
    send, queue = aside
    world.create_task("ann")
    records = [change.record() for change in world.history]
    records[1]["dynamodb"]["NewImage"]["title"] = {"X": "?"}
    assert send(records) == [], "nothing waits behind it"
    assert {line["event_id"] for line in lines(lake)} == {
        change.event_id for change in (world.history[0], world.history[2])
    }
    (message,) = queue.taken()
    assert "unknown attribute type" in message["reason"]
    queue.show()
    (reason,) = queue.replay().left
    assert "1 of 1 records failed again" in reason, "still no good, still told"
    monkeypatch.setitem(dynamodb_json._WRITERS, "X", lambda _: '"?"')  # the fix
    lake.firehose.taken.clear()
    done = queue.replay()
    assert (done.messages, done.records, done.left) == (1, 1, ())
    (line,) = lines(lake)
    assert (line["event_id"], line["cut"]) == (world.history[1].event_id, None)
    assert queue.taken() == []


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("spoilt", ["new image", "keys", "all"])
def test_whatever_is_set_aside_fits_into_a_message(world, aside, text, spoilt):
    """So no record blocks its shard, also where the message is cut."""
    send, queue = aside
    world.change_task("ann", "0196-000001", description=text)
    world.change_task("ann", "0196-000001", description=text[1:])
    record = world.history[-1].record()
    record["unknown"] = text
    if spoilt == "new image":
        record["dynamodb"]["NewImage"]["worse"] = {"N": text}
    if spoilt == "keys":
        record["dynamodb"]["Keys"] = {"PK": {"N": "1"}}
    if spoilt == "all":
        record |= {"eventName": text, "dynamodb": {"Keys": {"PK": {"S": text}}, "SequenceNumber": "1"}}
    assert send([record]) == []
    (message,) = queue.taken()
    assert message["reason"]
    assert ("NewImage" in message["record"]["dynamodb"]) == (spoilt == "new image")
    assert text[:50] not in message["reason"]


def test_a_message_has_no_more_of_a_record_than_a_replay_needs(world, aside):
    send, queue = aside
    world.change_task("ann", "0196-000001", title="Coffee", secret="of old")
    world.change_task("ann", "0196-000001", secret="of now", labels="?")
    record = world.history[-1].record()
    record["dynamodb"]["NewImage"]["labels"] = {"X": "?"}
    send([record])
    (message,) = queue.taken()
    change = message["record"]["dynamodb"]
    assert change["NewImage"]["secret"] == {"S": "of now"}
    assert change["OldImage"]["status"] == {"S": "pending"}
    assert "secret" not in change["OldImage"]
    assert message["record"]["cut"] == ["OldImage"]


def test_what_cannot_be_set_aside_is_reported(world, aside):
    send, queue = aside
    queue.delete()
    record = world.history[0].record() | {"eventName": "TRUNCATE"}
    assert [entry["itemIdentifier"] for entry in send([record])] == [str(world.history[0].sequence)]


def test_counts_and_lag_are_metrics(world, aside, monkeypatch, capsys):
    send, _ = aside
    monkeypatch.setenv("METRICS_NAMESPACE", "TodoInsights")
    bad = world.history[0].record() | {"eventName": "TRUNCATE"}
    send([world.history[0].record(), bad])
    line = next(json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "ChangesReceived": "Count",
        "ChangesDelivered": "Count",
        "ChangesFailed": "Count",
        "ChangesLagSeconds": "Seconds",
    }
    assert (line["ChangesReceived"], line["ChangesDelivered"], line["ChangesFailed"]) == (2, 1, 1)
    assert line["ChangesLagSeconds"] > 0
    since = world.history[0].at + timedelta(seconds=90)
    assert lag_seconds([{}, bad], since) == 90
    assert lag_seconds([{}], since) == 0

"""An erased person stays away: one of everything planted, nothing found anywhere, then every replay there is."""

import base64
import gzip
import io
import json
import os
import time
from datetime import UTC, datetime, timedelta

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.types import TypeDeserializer

from etl.capture import dead_letters
from etl.capture.bronze_row import bronze_row
from etl.capture.handler import ERASED_SECONDS, _erased, handler
from etl.jobs import job_requests
from etl.lake import erased
from etl.lake.config import lake_config
from etl.lake.layout import user_bucket
from etl.lake.storage import Bucket
from etl.run import local_lake
from etl.upkeep import rebuilt_tables
from tasks import services
from tests.admin.conftest import admin_of, root  # noqa: F401  fixtures
from tests.conftest import PASSWORD
from tests.etl.harness import NOW
from tests.etl.memory import put_bronze
from tests.etl.test_operations import capturing, command, worked  # noqa: F401  a fixture
from tests.etl.test_restore import captured, target  # noqa: F401  fixtures
from tests.etl.world import World
from tests.moto_aws import moto_aws
from tests.roles import LAKE, OWNER

BUCKETS = ("BRONZE_BUCKET", "SILVER_BUCKET", "GOLD_BUCKET")
TODAY = datetime.now(UTC).date().isoformat()


# --- Looking everywhere -------------------------------------------------------------------------------------------


def text_of(key, body):
    """What an object says, whatever its form."""
    if body[:4] == b"PAR1":
        return json.dumps(pq.read_table(io.BytesIO(body)).to_pylist(), default=str)
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    encoded = [json.loads(line).get("rawData", "") for line in plain.splitlines() if b'"rawData"' in line]
    return plain.decode(errors="replace") + "".join(base64.b64decode(raw).decode() for raw in encoded) + key


def objects():
    s3 = OWNER.client("s3")
    for name in BUCKETS:
        bucket = os.environ[name]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in page.get("Versions", ()):
                place = {"Bucket": bucket, "Key": entry["Key"], "VersionId": entry["VersionId"]}
                yield f"{bucket}/{entry['Key']}", text_of(entry["Key"], s3.get_object(**place)["Body"].read())


def items():
    dynamodb, decode = OWNER.client("dynamodb"), TypeDeserializer().deserialize
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                plain = {name: decode(value) for name, value in item.items()}
                yield f"{table} {plain['PK']} {plain['SK']}", json.dumps(plain, default=str)


def queued():
    for message in received(*the_queue()):
        yield f"{the_queue()[0]} {message['MessageId']}", message["Body"]


def received(url, sqs):
    """Every message of a queue, which stays."""
    found = []
    while page := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += page
    for message in found:
        place = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        sqs.change_message_visibility(**place, VisibilityTimeout=0)
    return found


def empty(url, sqs):
    for message in received(url, sqs):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def places(*texts):
    """Everything in the account that holds one of the texts."""
    everything = [*objects(), *items(), *queued()]
    return sorted(place for place, said in everything if any(text in said for text in texts))


# --- Planting -----------------------------------------------------------------------------------------------------


def send(body):
    queue = os.environ["CDC_FAILURE_QUEUE_URL"]
    OWNER.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body, default=str))


def records_of(user_id):
    """The stream records about a person, each with its shard."""
    streams = OWNER.client("dynamodbstreams")
    table = OWNER.client("dynamodb").describe_table(TableName=os.environ["TABLE_NAME"])["Table"]
    stream = table["LatestStreamArn"]
    for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        place = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**place)["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                if user_id in record["dynamodb"]["Keys"]["PK"]["S"]:
                    number = record["dynamodb"]["SequenceNumber"]
                    info = {"streamArn": stream, "shardId": shard["ShardId"]}
                    yield record, info | {"startSequenceNumber": number, "endSequenceNumber": number}
            iterator = page.get("NextShardIterator") if page["Records"] else None


def plant_messages(person):
    """One of each kind that the queue has had, of a change that was never delivered."""
    record, place = next(found for found in records_of(person.id) if found[0]["eventName"] == "INSERT")
    record["dynamodb"]["ApproximateCreationDateTime"] = time.time()
    risen = {**record, "eventID": f"risen-{person.id}"}
    spoilt = json.loads(json.dumps(risen, default=str))
    spoilt["dynamodb"]["NewImage"]["spoilt"] = {"X": "?"}
    assert handler({"Records": [spoilt]}, object()) == {"batchItemFailures": []}
    send({"reason": "fixed meanwhile", "setAsideAt": TODAY, "record": risen})
    send({"DDBStreamBatchInfo": place})
    send({"DDBStreamBatchInfo": place, "record": risen})
    send({"reason": "no keys", "record": {"eventID": "x", "dynamodb": {"NewImage": {"by": person.id}}}})


def plant_objects(person, title):
    """An unusable row, a row of the request log, a line that Firehose could not deliver."""
    s3, bronze = OWNER.client("s3"), os.environ["BRONZE_BUCKET"]
    record, _ = next(records_of(person.id))
    record["dynamodb"]["ApproximateCreationDateTime"] = datetime.now(UTC)
    row = bronze_row(record) | {"event_id": f"bad-{person.id}", "sequence_number": "unreadable"}
    folder = f"year={row['year']}/month={row['month']}/day={row['day']}"
    logged = {"user_id": [person.id], "message": [f"{title} by {person.email}"]}
    for key, columns in {
        f"cdc/{folder}/user_bucket={user_bucket(person.id)}/bad-{time.time_ns()}.parquet": {
            name: pa.array([value], pa.string()) for name, value in row.items() if name not in folder
        },
        f"requests/{folder}/{time.time_ns()}.parquet": logged,
    }.items():
        body = io.BytesIO()
        pq.write_table(pa.table(columns), body)
        s3.put_object(Bucket=bronze, Key=key, Body=body.getvalue())
    raw = base64.b64encode(json.dumps(row).encode()).decode()
    line = json.dumps({"rawData": raw}) + "\n" + json.dumps({"rawData": ""}) + "\n"
    s3.put_object(Bucket=bronze, Key="cdc-errors/x/1", Body=line.encode())
    for prefix in ("athena-results", "cache"):
        s3.put_object(Bucket=os.environ["GOLD_BUCKET"], Key=f"{prefix}/1.csv", Body=person.email.encode())


@pytest.fixture
def planted(worked, ctx, alice, bob, target, tmp_path, monkeypatch):  # noqa: F811
    """Alice in everything there is, beside Bob; the lake's runner in its own role, and a copy of Alice's messages."""
    # The clients of erasing are the runner's; what the command line does, the operator's own may do as well.
    monkeypatch.setattr("etl.upkeep.erase.client", LAKE.client)
    _erased.cache_clear()
    secret = f"Ring {alice.username}'s doctor"
    services.create_task(ctx(alice), {"title": secret})
    worked()
    plant_objects(alice, secret)
    silver = Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3"))
    for by in (alice.email, alice.id):
        job_requests.submit(silver, "replay", by, f"order-{time.time_ns()}", "1999-01-01", "1999-01-02")
    command("replay", "--from", TODAY)
    table = f"todo-app-data-rebuilt-{target}"
    command("rebuild_table", "--to", table)
    for person in (alice, bob):
        plant_messages(person)
    messages = [json.loads(message["Body"]) for message in received(*the_queue())]
    runner = local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path)
    found = places(alice.id, alice.email, secret)
    for prefix in (
        "todo-app-data TASK#",
        "todo-app-data USER#",
        table,
        os.environ["CDC_FAILURE_QUEUE_URL"],
        "todo-local-bronze/cdc/",
        "todo-local-bronze/requests/",
        "todo-local-bronze/cdc-errors/",
        "todo-local-silver/silver/_orders/",
        "todo-local-silver/silver/task_events/",
        "todo-local-silver/silver/task_states/",
        "todo-local-silver/silver/user_states/",
        "todo-local-silver/silver/quarantine/",
        "todo-local-gold/gold/",
    ):
        assert any(place.startswith(prefix) for place in found), prefix
    yield Planted(runner, (alice.id, alice.email, secret), messages, worked)
    OWNER.client("dynamodb").delete_table(TableName=table)
    empty(*the_queue())


class Planted:
    def __init__(self, runner, texts, messages, capture):
        self.runner, self.texts, self.messages, self.capture = runner, texts, messages, capture

    def places(self):
        return places(*self.texts)


def the_queue():
    return os.environ["CDC_FAILURE_QUEUE_URL"], OWNER.client("sqs")


def the_order(person):
    return job_requests.erasure_of(Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3")), person.id)


# --- By each door -------------------------------------------------------------------------------------------------


def by_the_command(planted, alice, client_for):
    with capturing(planted.capture):
        said = command("erase_user", alice.id, "--wait", "60")
    assert f"Nothing of {alice.id} is left, except the id in the order {the_order(alice).id}" in said


def by_their_own_page(planted, alice, client_for):
    browser = client_for(alice)
    assert browser.post("/account/data/delete/", {"password": PASSWORD, "sure": "on"}).status_code == 302
    planted.capture()
    deadline = time.monotonic() + 200
    while the_order(alice).state != "done":
        assert time.monotonic() < deadline, the_order(alice).message
        planted.runner.carry_out_requests()
        time.sleep(0.5)


@pytest.mark.long
@pytest.mark.parametrize("erase", [by_the_command, by_their_own_page])
def test_an_erased_person_is_nowhere_and_no_replay_brings_them_back(
    planted,
    alice,
    bob,
    root,  # noqa: F811
    client_for,
    erase,
):
    of_others = {place for place in places(bob.id) if place.startswith(os.environ["CDC_FAILURE_QUEUE_URL"])}
    kept = copies_of_bronze(alice)
    erase(planted, alice, client_for)
    order = the_order(alice)
    assert planted.places() == [f"{os.environ['SILVER_BUCKET']}/silver/_orders/{order.id}.json"]
    ordered = datetime.fromisoformat(order.ordered_at)
    for after in (timedelta(minutes=16), timedelta(hours=26)):
        planted.runner.carry_out_requests(ordered + after)
    assert planted.places() == []
    assert f"Nothing of {alice.id} is left." in command("erase_user", alice.id, "--dry-run")
    assert {place for place in places(bob.id) if "failures" in place} == of_others, "others keep theirs"

    replay_everything(planted, root)
    assert planted.places() == []
    # And if somebody brings back files from before, nothing is made of them.
    for number, body in enumerate(kept):
        key = f"cdc/year=2026/month=11/day=30/user_bucket={user_bucket(alice.id)}/back-{number}.parquet"
        OWNER.client("s3").put_object(Bucket=os.environ["BRONZE_BUCKET"], Key=key, Body=body)
    replay_everything(planted, root)
    assert {place.partition("/back-")[0].rpartition("/day")[0] for place in planted.places()} == {
        f"{os.environ['BRONZE_BUCKET']}/cdc/year=2026/month=11"
    }
    command("erase_user", alice.id, "--wait", "60")
    assert [place for place in planted.places() if "/_orders/" not in place] == []


def copies_of_bronze(person):
    s3, bronze = OWNER.client("s3"), os.environ["BRONZE_BUCKET"]
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bronze, Prefix="cdc/")["Contents"]]
    bodies = [s3.get_object(Bucket=bronze, Key=key)["Body"].read() for key in keys]
    return [body for body in bodies if person.id in text_of("", body)]


def replay_everything(planted, root):  # noqa: F811
    """By command and from the admin: days of Bronze, the quarantine, the queue; the stream, and the table."""
    for message in planted.messages:
        send(message)
    failed = dead_letters.replay(*the_queue(), OWNER.client("dynamodbstreams"), handler).left
    assert all("failed again" in reason or "the message does not say" in reason for reason in failed)
    records = [record for user_id in planted.texts[:1] for record, _ in records_of(user_id)]
    assert records, "the stream still has them"
    handler({"Records": records}, None)
    empty(*the_queue())
    command("replay", "--from", "2020-01-01")
    command("replay", "--quarantine")
    for message in planted.messages:
        send(message)
    for kind in ("replay", "quarantine", "run", "failures"):
        days = {"first_day": "2020-01-01", "last_day": TODAY, "apply": "1"}
        assert root.send("pipeline/", {"kind": kind, **days}).status_code == 302
        assert planted.runner.carry_out_requests()
    empty(*the_queue())
    command("rebuild_table", "--to", rebuilt := f"todo-app-data-rebuilt-{time.time_ns()}")
    OWNER.client("dynamodb").get_waiter("table_exists").wait(TableName=rebuilt)
    held = [place for place, said in items() if place.startswith(rebuilt) and planted.texts[0] in said]
    OWNER.client("dynamodb").delete_table(TableName=rebuilt)
    assert held == []


# --- Part by part, in memory --------------------------------------------------------------------------------------


@pytest.fixture
def world():
    world = World()
    for user in ("ann", "ben"):
        world.create_user(user)
        world.create_task(user, title=f"by {user}")
    return world


def test_capture_leaves_out_the_erased(lake, world):
    erased.add(lake.lake.silver.bronze, "ann")
    assert lake.capture(world.history) == []
    assert {json.loads(data)["user_id"] for data in lake.firehose.taken} == {"ben"}


def test_nothing_of_the_erased_is_set_aside(lake, world, monkeypatch):
    erased.add(lake.lake.silver.bronze, "ann")
    monkeypatch.setattr("etl.capture.handler.set_aside", pytest.fail)
    record = world.history[1].record() | {"eventName": "TRUNCATE"}
    assert lake.capture_records([record]) == []


def test_silver_leaves_out_the_erased_also_in_the_quarantine(lake, world):
    lake.deliver(world.history)
    for number, user in enumerate(("ann", "ben")):
        bad = bronze_row(world.history[0].record()) | {
            "event_id": f"bad-{user}",
            "user_id": None,
            "pk": f"TASK#{user}",
        }
        path = f"year=2026/month=03/day=20/user_bucket={user_bucket(user)}"
        put_bronze(lake.s3, path, [bad], 900 + number)
    erased.add(lake.lake.silver.bronze, "ann")
    lake.lake.run(NOW)
    assert {row["user_id"] for row in lake.silver("task_events")} == {"ben"}
    assert [row["event_id"] for row in lake.silver("quarantine")] == ["bad-ben"]


def test_the_list_says_of_nobody_who_they_were(lake):
    bronze = lake.lake.silver.bronze
    for user in ("ann", "ben", "ann"):
        erased.add(bronze, user)
    (body,) = lake.s3.buckets["bronze"].values()
    assert b"ann" not in body
    assert len(json.loads(body)["digests"]) == 2
    known = erased.load(bronze)
    assert (known.holds("ann"), known.holds("an"), known.holds("")) == (True, False, False)
    assert job_requests.subject_of("ann") not in body.decode(), "no other digest of the id leads here"


def test_a_process_knows_a_new_list_after_a_minute_and_one_call_tells_that_it_is_the_same(lake, monkeypatch):
    bronze, clock = lake.lake.silver.bronze, [1000.0]
    monkeypatch.setattr("etl.lake.erased.time.monotonic", lambda: clock[0])
    watched = erased.Watched(lambda: bronze)
    assert not watched.get(ERASED_SECONDS).holds("ann")
    erased.add(bronze, "ann")
    assert not watched.get(ERASED_SECONDS).holds("ann")
    assert watched.get(0).holds("ann")
    lake.s3.calls.clear()
    clock[0] += ERASED_SECONDS
    assert watched.get(ERASED_SECONDS).holds("ann")
    assert lake.s3.calls == {"head_object": 1}


@pytest.fixture
def queue():
    with moto_aws():
        sqs = boto3.client("sqs")
        yield sqs.create_queue(QueueName="failures")["QueueUrl"], sqs


def test_a_person_leaves_the_queue_and_the_others_stay_readable(queue, world):
    url, sqs = queue
    for _ in range(12):
        for user, change in (("ann", world.history[1]), ("ben", world.history[3]), ("annie", None)):
            record = change.record() if change else {"dynamodb": {"NewImage": {"by": {"S": user}}}}
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"reason": "?", "record": record}))
    named = world.history[3].record()
    named["dynamodb"]["NewImage"]["updated_by"] = {"S": "ann"}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"record": named}))
    sqs.send_message(QueueUrl=url, MessageBody="not of ours, but it says: ann")
    assert len(dead_letters.search(url, sqs, "ann").messages) == 13
    assert dead_letters.search(url, sqs, "ann", erase=True).unseen == 0
    assert dead_letters.search(url, sqs, "ann") == dead_letters.Found()
    assert len(received(url, sqs)) == 25


def test_messages_that_somebody_else_is_reading_are_not_taken_for_looked_at(queue):
    url, sqs = queue
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=60)
    assert dead_letters.search(url, sqs, "ann") == dead_letters.Found((), 1)


def test_tables_that_are_gone_are_forgotten(lake):
    with moto_aws():
        rebuilt_tables.note(lake.lake.silver.bronze, "gone")
        assert list(rebuilt_tables.holding(lake.lake.silver.bronze, boto3.client("dynamodb"), "ann")) == []
        assert json.loads(lake.s3.buckets["bronze"]["rebuilt-tables.json"]) == {"tables": []}

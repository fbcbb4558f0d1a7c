"""What operators do to the lake: send again, look at it, erase a person."""

import io
import json
import os
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from etl.aws import client as shared_client
from etl.capture import dead_letters
from etl.capture.bronze_row import bronze_row, encode
from etl.jobs import job_requests
from etl.lake.config import lake_config
from etl.lake.storage import Bucket
from etl.run import local_lake
from etl.status import inventory, status
from etl.upkeep.erase import Erasure
from identity import preferences, profiles
from tasks import services
from tests.conftest import PASSWORD
from tests.etl.checks import all_equal, gold_equals_oracle
from tests.etl.harness import NOW
from tests.etl.memory import put_bronze
from tests.etl.test_restore import captured  # noqa: F401  a fixture
from tests.etl.world import World
from tests.roles import OWNER


def history():
    world = World()
    for user in ("ann", "ben"):
        world.create_user(user)
        for number in range(6):
            task = world.create_task(user, title=f"{user} {number}", due_date="2026-04-01")
            world.tick(600)
            if number % 2:
                world.delete_task(user, task)
    return world


def without(world, user):
    left = World()
    left.items = {key: item for key, item in world.items.items() if key[0].partition("#")[2] != user}
    left.history = [change for change in world.history if change.pk.partition("#")[2] != user]
    return left


def holds(lake, text):
    """Objects that hold a text, in any row of any Parquet file, or plainly."""
    found = []
    for bucket, objects in lake.s3.buckets.items():
        for key, body in objects.items():
            if key.endswith(".parquet") and body.startswith(b"PAR1"):
                rows = pq.read_table(io.BytesIO(body)).to_pylist()
            else:
                rows = body.decode(errors="replace")
            if text in json.dumps(rows, default=str):
                found.append(f"{bucket}/{key}")
    return found


def test_erases_a_person_from_every_layer(lake):
    world = history()
    lake.deliver(world.history)
    lake.lake.run(NOW)
    lake.s3.buckets["gold"]["athena-results/1.csv"] = b"ann@example.com,ann"
    lake.s3.buckets["bronze"]["cdc-errors/x/1"] = (
        b'{"rawData": "eyJ1c2VyX2lkIjogImFubiJ9"}\n{"rawData": "e30="}\n'
    )
    assert holds(lake, "ann@example.com")
    job = Erasure(lake.config, lake.s3, lake.glue, "ann")
    assert sum(trace.own for trace in job.traces()) > 0
    job.run()
    assert job.traces() == []
    assert [key for key in holds(lake, "ann") if "/cdc" not in key] == []
    assert lake.s3.buckets["bronze"]["cdc-errors/x/1"] == b'{"rawData": "e30="}\n'
    lake.new_lake("later").run(NOW)
    all_equal(lake, without(world, "ann"), NOW)


def test_nothing_is_read_again_after_an_erasure(lake):
    world = history()
    lake.deliver(world.history)
    lake.lake.run(NOW)
    Erasure(lake.config, lake.s3, lake.glue, "ann").run()
    assert lake.lake.silver.run() is None
    assert lake.new_lake("other").silver.run() is None


def test_rows_in_the_wrong_bucket_are_found(lake):
    world = history()
    lake.deliver(world.history)
    stray = json.loads(encode(bronze_row(world.history[0].record())))
    other = f"{(int(stray['user_bucket']) + 1) % 16:02d}"
    put_bronze(lake.s3, f"year=2026/month=03/day=20/user_bucket={other}", [stray], 700)
    lake.lake.run(NOW)
    job = Erasure(lake.config, lake.s3, lake.glue, "ann")
    job.run()
    assert [trace.own for trace in job.traces()] == [1]
    job.run(everywhere=True)
    assert job.traces() == []


def test_rows_of_others_that_name_the_person_are_counted_and_kept(lake):
    world = history()
    world.change_task("ben", world.task_ids()[-1][1], updated_by="ann")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    job = Erasure(lake.config, lake.s3, lake.glue, "ann")
    job.run()
    assert sum(trace.named for trace in job.traces()) >= 2
    assert sum(trace.own for trace in job.traces()) == 0
    lake.lake.run(NOW)
    gold_equals_oracle(lake, without(world, "ann"), NOW)


def test_removals_that_are_on_their_way_are_waited_for(lake, monkeypatch):
    world = history()
    lake.deliver(world.history)
    job = Erasure(lake.config, lake.s3, lake.glue, "ann")
    keys = [key for key in world.items if key[0] == "TASK#ann"]
    since = world.arrival
    world.tick(60)
    assert not job.wait(keys, since, 0)
    for key in keys:
        world.put(*key, None)
    lake.deliver(world.history[-len(keys) :])
    assert job.wait(keys, since, 0)


def test_a_survey_counts_everything(lake):
    lake.deliver(history().history)
    lake.lake.run(NOW)
    found = inventory.read(lake.config, lake.s3)
    assert found.bronze.files == len(lake.s3.buckets["bronze"])
    assert found.bronze.bytes == sum(map(len, lake.s3.buckets["bronze"].values()))
    assert set(found.silver) == {"task_events", "task_states", "user_states", "quarantine"}
    assert found.gold.files == 14
    assert (found.snapshots, found.waste.files) == (1, 0)
    lake.s3.buckets["silver"]["silver/task_states/user_bucket=00/20200101T0/part-0.parquet"] = (
        b"of a dead run"
    )
    assert inventory.read(lake.config, lake.s3).waste.bytes == 13


# --- The commands, on the local AWS ---------------------------------------------------------------------------


def command(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def worked(captured, ctx, alice, bob):  # noqa: F811
    """Two people with tasks, captured, in the lake; the shared clients of the lake point to this test's AWS."""
    shared_client.cache_clear()
    for person in (alice, bob):
        given = {"email": person.email, "username": person.username, "name": person.name}
        profiles.ensure_profile(ctx(person), given)
        for title in ("one", "two"):
            task = services.create_task(ctx(person), {"title": f"{person.id} {title}"}).task
        services.delete_task(ctx(person), task.id)
    preferences.save(ctx(alice), theme="dark")
    captured()
    command("replay", "--from", datetime.now(UTC).date().isoformat())
    return captured


@contextmanager
def capturing(capture_new):
    """Change capture beside the test, as it runs beside the site."""
    stop = threading.Event()

    def loop():
        while not stop.wait(0.2):
            capture_new()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.long
def test_a_person_is_erased_everywhere(worked, alice, bob, client_for):
    client_for(alice)
    assert alice.id in command("erase_user", alice.id, "--dry-run")
    with capturing(worked):
        said = command("erase_user", alice.id, "--wait", "60")
    nothing = f"Nothing of {alice.id} is left, except the id in the order"
    assert nothing in said
    order = job_requests.erasure_of(Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3")), alice.id)
    assert (order.state, order.due_at > order.ordered_at) == ("waiting", True), "somebody looks again later"
    assert command("erase_user", alice.id, "--dry-run").splitlines()[-1].startswith(nothing)
    assert f"TASK#{bob.id}" in command("erase_user", bob.id, "--dry-run")
    s3 = OWNER.client("s3")
    for name in ("BRONZE_BUCKET", "SILVER_BUCKET", "GOLD_BUCKET"):
        for entry in s3.list_objects_v2(Bucket=os.environ[name]).get("Contents", ()):
            body = s3.get_object(Bucket=os.environ[name], Key=entry["Key"])["Body"].read()
            assert alice.email.encode() not in body, entry["Key"]


@pytest.mark.long
def test_an_account_that_its_owner_deletes_leaves_the_lake(worked, alice, bob, client_for, tmp_path):
    browser, nothing = client_for(alice), f"Nothing of {alice.id} is left"
    assert nothing not in command("erase_user", alice.id, "--dry-run")
    lake = local_lake(lake_config(), OWNER.client("s3"), OWNER.client("glue"), tmp_path)
    with capturing(worked):
        assert browser.post("/account/data/delete/", {"password": PASSWORD, "sure": "on"}).status_code == 302
        deadline = time.monotonic() + 120
        while nothing not in command("erase_user", alice.id, "--dry-run"):
            assert time.monotonic() < deadline, "run by the lake's own runner, the erasure never ended"
            lake.carry_out_requests()
            time.sleep(1)
    assert f"TASK#{bob.id}" in command("erase_user", bob.id, "--dry-run")


def test_an_erasure_before_capture_has_caught_up_goes_on_by_an_order(worked, alice, tmp_path):
    with pytest.raises(CommandError, match="Change capture") as refused:
        command("erase_user", alice.id, "--wait", "0")
    silver = Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3"))
    order = job_requests.erasure_of(silver, alice.id)
    assert (order.state, order.id in str(refused.value)) == ("waiting", True)
    worked()
    later = datetime.fromisoformat(order.due_at) + timedelta(seconds=1)
    runner = local_lake(lake_config(), OWNER.client("s3"), OWNER.client("glue"), tmp_path)
    runner.carry_out_requests(later)
    assert job_requests.erasure_of(silver, alice.id).state == "done"
    assert f"Nothing of {alice.id} is left" in command("erase_user", alice.id, "--dry-run")


def test_an_id_that_is_none_is_refused():
    with pytest.raises(CommandError, match="no user id"):
        command("erase_user", "' OR 1=1")


def status_of(capsys, *options):
    """What the command prints, and its exit code: other tests leave rows in the quarantine of this AWS."""
    capsys.readouterr()
    try:
        call_command("lake", "status", *options)
    except CommandError as error:
        return capsys.readouterr().out, error.returncode
    return capsys.readouterr().out, 0


def test_status_says_how_far_the_lake_is(worked, capsys):
    said, _ = status_of(capsys)
    assert "Silver  published" in said
    assert "Gold    published" in said
    found = json.loads(status_of(capsys, "--json")[0])
    assert found["survey"]["silver"]["task_events"]["files"] >= 1
    assert found["runs"][0]["layer"] == "gold"
    assert "bronze requests" in said


@pytest.mark.parametrize(
    ("quarantined", "failed", "code"), [(0, 0, 0), (2, 0, 3), (0, 1, 4), (2, 1, 4)], ids=str
)
def test_status_ends_with_what_somebody_must_look_at(worked, monkeypatch, capsys, quarantined, failed, code):
    found = replace(status.read(lake_config(), OWNER.client("s3")), quarantined=quarantined, failed=failed)
    monkeypatch.setattr(status, "read", lambda *_: found)
    for options in ((), ("--json",)):
        said, ended = status_of(capsys, *options)
        assert ended == code
        assert "Every change could be read" in said, "it is said all the same"
    assert json.loads(said)["status"]["quarantined"] == quarantined


def test_small_files_of_closed_days_are_merged_on_aws_too():
    """On the local AWS, where a listing's ETags come from a server."""
    shared_client.cache_clear()
    s3, bucket = OWNER.client("s3"), os.environ["BRONZE_BUCKET"]
    folder = f"requests/year=2026/month=01/day={uuid.uuid4().int % 20 + 1:02d}/"
    for number in range(5):
        body = io.BytesIO()
        pq.write_table(pa.table({"request_id": [f"r{number}"], "duration_ms": [1.5]}), body)
        s3.put_object(Bucket=bucket, Key=f"{folder}{number}.parquet", Body=body.getvalue())
    assert "Would merge" in command("lake", "tidy", "--dry-run")
    assert "Merged" in command("lake", "tidy")
    (entry,) = s3.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
    rows = pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()))
    assert sorted(rows["request_id"].to_pylist()) == [f"r{number}" for number in range(5)]
    s3.delete_object(Bucket=bucket, Key=entry["Key"])


def test_replay_says_what_is_wanted():
    for arguments in ((), ("--from", "2026-01-01", "--quarantine")):
        with pytest.raises(CommandError, match="one of"):
            command("replay", *arguments)
    for days in (("2026-02-02", "2026-02-01"), ("no-day", "2026-02-01")):
        with pytest.raises(CommandError):
            command("replay", "--from", days[0], "--to", days[1])


# --- The on-failure queue ----------------------------------------------------------------------------------------


@pytest.fixture
def queue():
    sqs = OWNER.client("sqs")
    url = sqs.create_queue(QueueName=f"failures-{uuid.uuid4().hex}")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("with_record", [True, False])
def test_failed_captures_go_through_again(queue, ctx, alice, with_record):
    sqs, streams = OWNER.client("sqs"), OWNER.client("dynamodbstreams")
    arn = OWNER.client("dynamodb").describe_table(TableName=os.environ["TABLE_NAME"])["Table"][
        "LatestStreamArn"
    ]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
    task = services.create_task(ctx(alice), {"title": "poison"}).task
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    (record,) = [record for record in records if record["dynamodb"]["Keys"]["SK"]["S"] == f"TASK#{task.id}"]
    number = record["dynamodb"]["SequenceNumber"]
    info = {"shardId": shard, "startSequenceNumber": number, "endSequenceNumber": number, "streamArn": arn}
    body = {"DDBStreamBatchInfo": info} | ({"record": record} if with_record else {})
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body, default=lambda moment: moment.timestamp()))
    sqs.send_message(QueueUrl=queue, MessageBody="not json")
    sent = []

    def handler(event, context):
        sent.extend(bronze_row(record) for record in event["Records"])
        return {"batchItemFailures": []}

    done = dead_letters.replay(queue, sqs, streams, handler)
    assert (done.messages, done.records, len(done.left)) == (1, 1, 1)
    assert [row["entity_id"] for row in sent] == [task.id]

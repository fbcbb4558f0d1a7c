"""The table out of Bronze, item by item, as it was at any time."""

import io
import json
import os
import random
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer
from django.core.management import CommandError, call_command

from etl.capture.bronze_row import bronze_row, encode
from etl.capture.dynamodb_json import ImageError, attributes_of, image_json, special_types
from etl.capture.handler import handler
from etl.upkeep.restore import Restore, RestoreError, point_in_time
from identity import profiles
from identity.items import preferences_key
from localcloud.provision import NAMES
from store.model import table_definition
from store.request_context import RequestContext
from tasks import services
from tests.etl.memory import put_bronze
from tests.etl.world import START, World, play
from tests.roles import CAPTURE, OWNER

TABLE = NAMES["TABLE_NAME"]


def restored(lake, until=None):
    reading = Restore(lake.config, lake.s3, until or datetime(2099, 1, 1, tzinfo=UTC))
    decode = TypeDeserializer().deserialize
    items = {}
    for item in reading.items():
        plain = {name: decode(value) for name, value in item.items()}
        key = plain.pop("PK"), plain.pop("SK")
        assert key not in items
        items[key] = plain
    return items, reading.progress


def test_restores_items_with_types_and_digits(lake):
    world = World()
    world.create_user("ann")
    task = world.create_task("ann", tags=["a"], estimate=Decimal("1.10"))
    world.change_task("ann", task, status="completed")
    lake.deliver(world.history)
    items, progress = restored(lake)
    assert items == world.items
    assert (progress.changes, progress.unusable, progress.items) == (3, 0, {"USER": 1, "TASK": 1})


@pytest.mark.parametrize("seed", range(2))
def test_any_history_at_any_point(lake, seed):
    """`long_histories.py` tries more of them."""
    any_history_at_any_point(lake, seed)


def any_history_at_any_point(lake, seed):
    """Deletes, restores, expiry and other people's writes, delivered twice and out of order."""
    random_, world, moments = random.Random(seed), World(), []
    for steps in (40, 40, 40):
        play(world, random_, steps)
        moments.append((max(change.at for change in world.history), dict(world.items)))
        world.tick(2)
    parts = [world.history[start::3] for start in range(3)]
    for part in random_.sample([*parts, parts[1]], k=4):
        lake.deliver(part)
    for moment, items in moments:
        assert restored(lake, moment)[0] == items
    assert restored(lake, START - timedelta(days=1))[0] == {}


def test_a_move_is_one_change_even_where_its_two_records_are_seconds_apart(lake):
    world = World()
    task = world.create_task("ann")
    world.tick(60)
    world.delete_task("ann", task)
    gone, appeared = world.history[-2:]
    appeared_late = type(appeared)(
        *[getattr(appeared, name) for name in appeared.__slots__][:-1], gone.at + timedelta(seconds=5)
    )
    lake.deliver([*world.history[:-1], appeared_late])
    assert len(restored(lake, gone.at + timedelta(seconds=2))[0]) == 1
    assert restored(lake, gone.at + timedelta(seconds=5))[0].keys() == {("TRASH#ann", f"TASK#{task}")}


def test_sets_binary_and_deep_values_come_back_typed():
    item = {
        "plain": {
            "L": [{"N": "-1.5E+3"}, {"BOOL": False}, {"NULL": True}, {"M": {"a/b~c": {"SS": ["x", "y"]}}}]
        },
        "bytes": {"B": b"\x00\xff"},
        "numbers": {"NS": ["1", "12345678901234567890123456789012345678"]},
        "many": {"BS": [b"a", b"b"]},
        "text": {"S": '12 "quoted" \u2028'},
        "empty": {"M": {}},
    }
    assert attributes_of(image_json(item), special_types(item)) == item


@pytest.mark.parametrize("text", ["", "[1]", "null", "{", '{"a": 1'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(ImageError):
        attributes_of(text)
    with pytest.raises(ImageError):
        attributes_of('{"a": 1}', {"/a": "SS"})


def test_rows_that_say_too_little_are_counted(lake):
    world = World()
    world.create_task("ann")
    lake.deliver(world.history)
    good = json.loads(encode(bronze_row(world.history[0].record())))
    path = "year=2026/month=03/day=20/user_bucket=00"
    bad = [
        good | {"sequence_number": "x"},
        good | {"pk": None},
        good | {"new_image": "{broken", "old_image": None},
    ]
    put_bronze(lake.s3, path, bad, 900)
    lake.s3.buckets["bronze"][f"cdc/{path}/todo-cdc-stream-1-000901.parquet"] = b"not parquet"
    items, progress = restored(lake)
    assert items == world.items
    assert progress.unusable == 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-03-20", datetime(2026, 3, 20, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-03-20T10:00:00+02:00", datetime(2026, 3, 20, 8, tzinfo=UTC)),
        ("2026-03-20T10:00:00Z", datetime(2026, 3, 20, 10, tzinfo=UTC)),
        ("2026-03-20 10:00", datetime(2026, 3, 20, 10, tzinfo=UTC)),
    ],
)
def test_times(text, wanted):
    assert point_in_time(text) == wanted


def test_a_time_that_is_none_is_refused():
    with pytest.raises(RestoreError, match="yesterday"):
        point_in_time("yesterday")


# --- The command, on the local AWS: the real table, its stream, Firehose ----------------------------------------


@pytest.fixture
def captured(monkeypatch):
    """A function that takes the table's new stream records to Bronze; what came before the test is left out."""
    streams, dynamodb = OWNER.client("dynamodbstreams"), OWNER.client("dynamodb")
    stream = dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    monkeypatch.setattr("etl.capture.handler.client", CAPTURE.client)

    def iterator_of(shard, kind):
        place = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": kind}
        return streams.get_shard_iterator(**place)["ShardIterator"]

    def shards():
        return [
            shard["ShardId"]
            for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        ]

    iterators = {shard: iterator_of(shard, "LATEST") for shard in shards()}

    def capture_new():
        for shard in shards():
            iterator = iterators.get(shard) or iterator_of(shard, "TRIM_HORIZON")
            fresh = True
            while iterator and fresh:
                page = streams.get_records(ShardIterator=iterator, Limit=500)
                fresh, iterator = page["Records"], page.get("NextShardIterator")
                iterators[shard] = iterator
                assert handler({"Records": fresh}, None) == {"batchItemFailures": []}

    return capture_new


def contents(table, user):
    """What a person has in a table, by key: profile, tasks and trash."""
    pages = OWNER.client("dynamodb").get_paginator("query")
    return {
        (item["PK"]["S"], item["SK"]["S"]): item
        for kind in ("TASK", "USER", "TRASH")
        for page in pages.paginate(
            TableName=table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{kind}#{user}"}},
        )
        for item in page["Items"]
    }


def context(user):
    return RequestContext(user, user, f"req-{time.time_ns()}", datetime.now(UTC))


def act(random_, user):
    """One thing that a person does, now."""
    held = contents(TABLE, user)
    ids = {kind: [sk[5:] for pk, sk in held if pk == f"{kind}#{user}"] for kind in ("TASK", "TRASH")}
    choice = random_.random()
    if choice < 0.35 or not ids["TASK"]:
        due = random_.choice((None, "2026-12-24"))
        given = {
            "title": "Täsk",
            "category": random_.choice((None, "a#b%")),
            "due_date": due,
            "tags": ["x", "y"],
        }
        given["checklist"] = [{"text": "step", "done": False}] if choice < 0.1 else None
        services.create_task(context(user), {name: value for name, value in given.items() if value})
    elif choice < 0.6:
        status = random_.choice(("completed", "in_progress", "cancelled"))
        services.update_task(
            context(user), random_.choice(ids["TASK"]), {"status": status, "priority": "urgent"}
        )
    elif choice < 0.8 or not ids["TRASH"]:
        services.delete_task(context(user), random_.choice(ids["TASK"]))
    else:
        services.restore_task(context(user), random_.choice(ids["TRASH"]))


@pytest.fixture
def target():
    name = f"restored-{time.time_ns()}"
    yield name
    dynamodb = OWNER.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        if table.startswith(name):
            dynamodb.delete_table(TableName=table)


def rebuild(*arguments):
    out = io.StringIO()
    call_command("rebuild_table", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.long
@pytest.mark.slow
def test_drop_the_table_and_rebuild_it_at_three_points(captured, target):
    """Item by item, index keys, versions and trash included, from nothing but Bronze."""
    random_, user = random.Random(11), f"restore-{time.time_ns()}"
    captured()
    profiles.ensure_profile(context(user), {"email": "r@example.com", "username": user, "name": "R"})
    moments = []
    for _ in range(3):
        for _ in range(25):
            act(random_, user)
        services.create_task(context(user), {"title": "to be deleted"})
        services.delete_task(
            context(user), max(sk[5:] for pk, sk in contents(TABLE, user) if pk == f"TASK#{user}")
        )
        moments.append((datetime.now(UTC).isoformat(), contents(TABLE, user)))
    captured()
    assert any(key[0].startswith("TRASH#") for key in moments[-1][1])

    dry = rebuild("--to", f"{target}-x", "--dry-run")
    ours = len([key for key in moments[-1][1] if key[0].startswith("TASK#")])
    assert int(re.search(r"(\d+) TASK", dry)[1]) >= ours  # other tests' are in Bronze, too
    assert "0 written" in dry
    for number, (moment, wanted) in enumerate(moments):
        name = f"{target}-{number}"
        rebuild("--to", name, "--until", moment)
        assert contents(name, user) == wanted
    page = OWNER.client("dynamodb").query(
        TableName=f"{target}-2",
        IndexName="GSI1",
        KeyConditionExpression="GSI1PK = :pk",
        ExpressionAttributeValues={":pk": {"S": f"USER#{user}"}},
    )
    assert page["Count"] == ours


def test_a_table_that_holds_something_is_left_alone(ctx, alice, target):
    services.create_task(ctx(alice), {"title": "precious"})
    with pytest.raises(CommandError, match="not empty"):
        rebuild("--to", TABLE)
    with pytest.raises(CommandError, match="no-time"):
        rebuild("--to", target, "--until", "no-time")


def test_missing_settings_are_named(monkeypatch):
    monkeypatch.delenv("BRONZE_BUCKET")
    with pytest.raises(CommandError, match="BRONZE_BUCKET"):
        rebuild("--to", "t")


def test_other_items_do_not_make_a_table_full(target, ctx, alice):
    OWNER.client("dynamodb").create_table(**table_definition(target))
    key = preferences_key(alice.id)
    OWNER.client("dynamodb").put_item(TableName=target, Item={"PK": {"S": key[0]}, "SK": {"S": key[1]}})
    assert "Wrote" in rebuild("--to", target, "--until", "2001-01-01")
    assert os.environ["TABLE_NAME"] == TABLE

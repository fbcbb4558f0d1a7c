"""Changes that are longer in a line of JSON than a record of Firehose holds: they are cut, marked, and never lost."""

import io
import json
import os
import re
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from etl.aws import client as shared_client
from etl.capture.bronze_row import KEPT_ATTRIBUTES, MAX_RECORD_BYTES
from etl.jobs.steps import SQL
from etl.lake import manifest
from etl.lake.storage import Bucket
from etl.upkeep.restore import Restore
from tasks import history, services
from tests.etl.checks import gold_equals_oracle, history_is_whole
from tests.etl.harness import NOW
from tests.etl.test_operations import capturing, command
from tests.etl.test_restore import TABLE, captured  # noqa: F401  a fixture
from tests.etl.world import World
from tests.roles import OWNER

# An item of DynamoDB has up to 400 KB. A line takes four bytes for a quote in an image, seven for a control character.
LONG = {"quotes": '"' * 390_000, "control characters": "\x01" * 390_000}


def lines(lake):
    return [json.loads(data) for data in lake.firehose.taken]


def ever_longer(text):
    """A task that grows too long in each way: inserted, changed from and to, completed, deleted, restored."""
    world = World()
    world.create_user("ann")
    task = world.create_task("ann", title="Tea", category="home")
    world.create_task("ann", title="Long from the start", description=text)
    world.tick(60)
    world.change_task("ann", task, description=text)
    world.tick(60)
    world.change_task("ann", task, status="completed")
    world.tick(60)
    world.change_task("ann", task, title="Coffee", description=text[:-1])
    world.tick(60)
    world.delete_task("ann", task)
    world.tick(60)
    world.restore_task("ann", task)
    world.change_user("ann", motto=text)
    other = world.create_task("ann")
    world.change_task("ann", other, description=text)
    world.foreign_delete("TASK#ann", f"TASK#{other}")
    world.create_task("ben", title="Next in the shard")
    return world


@pytest.mark.sliced
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_items_are_in_silver_and_gold_as_they_are_in_the_table(lake, text):
    world = ever_longer(text)
    assert lake.capture(world.history) == [], "nothing is refused"
    lake.firehose.flush()
    lake.lake.run(NOW)
    rows = {("TASK#" + row["user_id"], "TASK#" + row["task_id"]): row for row in lake.silver("tasks")}
    assert rows.keys() == world.live("TASK").keys()
    for key, row in rows.items():
        item = world.items[key]
        assert [row[name] for name in ("title", "status", "category", "version")] == [
            item.get(name) for name in ("title", "status", "category", "version")
        ]
        assert bool(row["cut"]) == ("description" in item)
        assert row["description"] is None
    (user,) = lake.silver("users")
    assert (user["email"], "new_image" in user["cut"]) == ("ann@example.com", True)
    assert lake.silver("quarantine") == []
    history_is_whole(lake, world)
    gold_equals_oracle(lake, world, NOW)


def test_the_old_image_goes_first(lake):
    """Where the new image alone fits, it stays whole."""
    world = World()
    task = world.create_task("ann")
    half = '"' * 200_000
    world.change_task("ann", task, description=half)
    world.change_task("ann", task, title="Coffee")
    assert lake.capture(world.history) == []
    inserted, longer, both = lines(lake)
    assert [line["cut"] for line in (inserted, longer, both)] == [None, None, "old_image"]
    assert json.loads(both["new_image"])["description"] == half
    assert json.loads(both["old_image"])["status"] == "pending"
    assert "description" not in json.loads(both["old_image"])


def test_cut_images_that_are_alike_are_a_change(lake):
    """What differs may be what they lack."""
    world = World()
    task = world.create_task("ann", description=LONG["quotes"])
    world.foreign_patch("ann", task, description=LONG["quotes"][1:])
    assert lake.capture(world.history) == []
    before, after = (json.loads(lines(lake)[1][name]) for name in ("old_image", "new_image"))
    assert before == after
    lake.firehose.flush()
    lake.lake.run(NOW)
    assert [row["is_change"] for row in lake.silver("task_events")] == [1, 1]


def test_whatever_makes_an_item_long_its_line_fits(lake):
    world = World()
    many = {f"a{number}": "\x01" * 15 for number in range(18_000)}
    world.create_task("ann", **many)
    world.create_task("ann", title="\x01" * 390_000, category='"' * 300_000, tags=["\x02" * 100_000])
    world.create_task("ann", request_id="\x01" * 390_000, status="\x01" * 3_000)
    world.foreign_task("a\x01n" * 600, "t" + "\x01" * 900, text="\x01" * 390_000)
    for key in list(world.items):
        world.put(*key, None)
    assert lake.capture(world.history) == []
    assert len(lines(lake)) == len(world.history)
    assert max(map(len, lake.firehose.taken)) <= MAX_RECORD_BYTES
    lake.firehose.flush()
    lake.lake.run(NOW)
    assert lake.silver("tasks") == []
    # A status that was too long to be kept is missing, which is fine, and not a wrong one.
    assert len(lake.silver("task_events")) == len(world.history)


def test_a_removal_needs_only_its_keys(lake):
    world = World()
    world.create_task("ann")
    world.foreign_delete("TASK#ann", "TASK#0196-000001")
    records = [change.record() for change in world.history]
    del records[1]["dynamodb"]["OldImage"]
    assert lake.capture_records(records) == []
    lake.firehose.flush()
    lake.lake.run(NOW)
    assert (lake.silver("tasks"), lake.silver("quarantine")) == ([], [])
    assert [row["cut"] for row in lake.silver("task_events")] == [None, "old_image"]


def test_an_item_that_was_cut_is_named_instead_of_restored(lake):
    world = ever_longer(LONG["quotes"])
    lake.deliver(world.history)
    reading = Restore(lake.config, lake.s3, datetime(2099, 1, 1, tzinfo=UTC))
    restored = {(item["PK"]["S"], item["SK"]["S"]) for item in reading.items()}
    whole = {key for key, item in world.items.items() if not {"description", "motto"} & item.keys()}
    assert restored == whole
    assert sorted(reading.progress.cut) == sorted(world.items.keys() - whole)


def test_everything_that_silver_reads_of_an_image_is_kept():
    read = {
        name
        for path in (SQL / "silver").glob("*.sql")
        for name in re.findall(r"\((?:image|before|held), '\$\.(\w+)'", path.read_text())
    }
    assert "status" in read
    assert read <= KEPT_ATTRIBUTES


def test_a_history_does_not_say_that_cut_fields_were_removed():
    def row(version, cut, **image):
        given = {"event_name": "MODIFY", "entity_type": "TASK", "changed_at": "2026-03-20"}
        stored = {"updated_by": "ann", "request_id": "r", "image": json.dumps(image)}
        return given | stored | {"version": version, "cut": cut}

    told = history.events(
        [
            row(1, None, title="Tea", description="short"),
            row(2, "old_image,new_image", title="Coffee"),
            row(3, None, title="Coffee", description="other"),
        ]
    )
    assert [[change.field for change in event.changes] for event in told] == [["description"], ["title"], []]


# --- On the local AWS: the real table, its stream, Firehose -------------------------------------------------------


@pytest.mark.sliced
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_items_pass_through_the_local_aws_and_are_erased(captured, alice, bob, ctx, text):  # noqa: F811
    """No change waits behind them, the lake knows of their removal, and erasing their owner comes to its end."""
    shared_client.cache_clear()
    captured()
    dynamodb = OWNER.client("dynamodb")
    item = {"PK": {"S": f"TASK#{alice.id}"}, "SK": {"S": "TASK#long"}, "user_id": {"S": alice.id}}
    small = {"entity_type": {"S": "TASK"}, "status": {"S": "pending"}, "title": {"S": "short"}}
    for grown in ({}, {"description": {"S": text}}, {"description": {"S": text[1:]}}):
        dynamodb.put_item(TableName=TABLE, Item=item | small | grown)
    dynamodb.put_item(TableName=TABLE, Item=item | small | {"SK": {"S": "TASK#stays"}, "more": {"S": text}})
    dynamodb.delete_item(TableName=TABLE, Key={name: item[name] for name in ("PK", "SK")})
    behind = services.create_task(ctx(bob), {"title": "next in the shard"}).task
    captured()
    command("replay", "--from", "2020-01-01")
    states = sorted(silver_rows("task_states"), key=lambda row: int(row["sequence_number"]))
    latest = {row["task_id"]: row for row in states if row["user_id"] in {alice.id, bob.id}}
    held = {task: row for task, row in latest.items() if row["event_name"] != "REMOVE"}
    assert held.keys() == {"stays", behind.id}
    assert (held["stays"]["title"], held["stays"]["cut"]) == ("short", "new_image")
    events = [row for row in silver_rows("task_events") if row["pk"] == f"TASK#{alice.id}"]
    assert sorted(row["event_name"] for row in events) == ["INSERT", "INSERT", "MODIFY", "MODIFY", "REMOVE"]
    said = command("rebuild_table", "--to", "never-written", "--dry-run")
    assert f"TASK#{alice.id} TASK#stays" in said
    with capturing(captured):
        said = command("erase_user", alice.id, "--wait", "120")
    assert f"Nothing of {alice.id} is left" in said


def silver_rows(table):
    silver = Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3"))
    bodies = [silver.get(key)[0] for key in manifest.load(silver).files(table)]
    return [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]

"""Silver: incremental, atomic, convergent; what cannot be used is kept aside with a reason."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.jobs.steps import DOMAINS, EARLIEST
from etl.lake import layout, manifest
from etl.lake.config import LakeConfig
from etl.lake.layout import user_bucket
from etl.lake.storage import ConflictError
from etl.lake.tables import SILVER
from etl.log import iso
from tasks import fields
from tasks.transfer import mending
from tests.etl.checks import all_equal, history_is_whole, silver_equals_table
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG, put_bronze
from tests.etl.schemas import arrow_schema
from tests.etl.world import World, play

SOURCES = ("task_events", "quarantine")
BUCKETS = ("bronze", "silver", "gold", "todo_analytics")
DAY = "year=2026/month=03/day=20"


def bronze_row(**changes):
    row = {
        "event_id": "e1",
        "event_name": "INSERT",
        "event_time": "2026-03-20T09:00:00.000001Z",
        "sequence_number": "100",
        "entity_type": "TASK",
        "pk": "TASK#ann",
        "sk": "TASK#t1",
        "user_id": "ann",
        "entity_id": "t1",
        "new_image": '{"id":"t1","status":"pending","title":"Tea","version":1}',
    }
    return row | changes


def put(lake, *rows, number=0, day=DAY, user="ann"):
    return put_bronze(lake.s3, f"{day}/user_bucket={user_bucket(user)}", list(rows), number)


def reasons(lake):
    return sorted((row["event_id"], row["reason"]) for row in lake.silver("quarantine"))


@pytest.fixture
def world():
    world = World()
    play(world, Random(7), 60)
    return world


def test_new_files_become_history_and_current_state(lake, world):
    lake.deliver(world.history)
    committed = lake.lake.silver.run()
    assert committed.sequence == 1
    assert committed.rows("task_events") == len(world.history)
    silver_equals_table(lake, world)


def test_running_again_does_nothing(lake, world):
    lake.deliver(world.history)
    lake.lake.silver.run()
    before = dict(lake.s3.buckets["silver"])
    assert lake.lake.silver.run() is None
    assert lake.new_lake("second").silver.run() is None
    assert lake.s3.buckets["silver"] == before


def test_only_new_files_are_read_and_only_their_buckets_get_more(lake, world):
    lake.deliver(world.history)
    first = lake.lake.silver.run()
    world.create_task("ann")
    lake.deliver(world.history[-1:])
    read = []
    lake.s3.before = lambda operation, key: read.append(key) if operation == "get_object" else None
    second = lake.new_lake("fresh").silver.run()
    assert sum(key.startswith("cdc/") for key in read) == 1
    touched = user_bucket("ann")
    changed = {
        (table, bucket)
        for table, parts in second.tables.items()
        for bucket in parts
        if parts[bucket] != first.parts(table).get(bucket)
    }
    assert changed == {("task_events", touched), ("task_states", touched)}
    assert set(first.all_files()) < set(second.all_files()), "no file is rewritten"


def test_an_old_event_that_arrives_late_changes_the_past_not_the_present(lake, world):
    late = next(change for change in world.history if change.name == "MODIFY")
    lake.deliver(change for change in world.history if change is not late)
    lake.lake.run(NOW)
    lake.deliver([late])
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)


def test_a_late_event_does_not_bring_a_removed_task_back(lake):
    world = World()
    task = world.create_task("ann")
    world.foreign_delete("TASK#ann", f"TASK#{task}")
    lake.deliver(world.history[1:])
    lake.lake.silver.run()
    lake.deliver(world.history[:1])
    lake.lake.silver.run()
    assert lake.silver("tasks") == []
    history_is_whole(lake, world)


def test_files_in_partitions_of_past_days_are_found(lake):
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):year=%Y/month=%m/day=%d}"
    last_month = f"{datetime.now(UTC) - timedelta(days=30):year=%Y/month=%m/day=%d}"
    put(lake, bronze_row(), day=yesterday)
    lake.lake.silver.run()
    put(lake, bronze_row(event_id="e2", sk="TASK#t2", entity_id="t2"), day=last_month, number=1)
    # Sorts before the file already consumed that day.
    put(lake, bronze_row(event_id="e3", sk="TASK#t3", entity_id="t3"), day=yesterday, number=-1)
    lake.lake.silver.run()
    assert {row["task_id"] for row in lake.silver("tasks")} == {"t1", "t2", "t3"}


def test_files_of_days_long_past_are_found_within_a_day(tmp_path, monkeypatch):
    lake = Harness(tmp_path, replace(CONFIG, late_days=35))
    put(lake, bronze_row(), day=f"{datetime.now(UTC):year=%Y/month=%m/day=%d}")
    lake.lake.silver.run()
    put(lake, bronze_row(event_id="e2", sk="TASK#t2", entity_id="t2"), day="year=2021/month=01/day=31")
    assert lake.new_lake("an hour later").silver.run() is None
    monkeypatch.setattr("etl.jobs.silver.FULL_SEARCH_SECONDS", 0)
    assert lake.new_lake("a day later").silver.run().rows("task_states") == 2
    assert lake.lake.silver.run() is None


def test_files_up_to_thirty_days_late_are_found_by_the_next_run_and_later_ones_counted(
    tmp_path, monkeypatch, capsys
):
    lake = Harness(tmp_path, LakeConfig(*BUCKETS))
    today = datetime.now(UTC)
    put(lake, bronze_row(), day=f"{today:year=%Y/month=%m/day=%d}")
    lake.lake.silver.run()
    for number, days in enumerate((30, 400), start=1):
        row = bronze_row(event_id=f"late-{number}", sk=f"TASK#l{number}", entity_id=f"l{number}")
        put(lake, row, day=f"{today - timedelta(days=days):year=%Y/month=%m/day=%d}", number=number)
    capsys.readouterr()
    assert lake.lake.silver.run().rows("task_events") == 2
    assert committed(capsys) == {"files": 1, "late_files": 0}
    monkeypatch.setattr("etl.jobs.silver.FULL_SEARCH_SECONDS", 0)
    assert lake.lake.silver.run().rows("task_events") == 3
    assert committed(capsys) == {"files": 1, "late_files": 1}


def committed(capsys):
    """How many files the last commit says it took in, and how many of them were late."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = [line["metadata"] for line in lines if line["message"] == "committed"][-1]
    return {name: said[name] for name in ("files", "late_files")}


def test_after_a_long_stop_records_that_waited_are_found_at_once(tmp_path):
    lake = Harness(tmp_path, replace(CONFIG, late_days=35))
    stopped = datetime.now(UTC) - timedelta(days=100)
    put(lake, bronze_row(), day=f"{stopped:year=%Y/month=%m/day=%d}")
    lake.lake.silver.run()
    held = lake.manifest()
    old = replace(held, committed_at=iso(stopped), looked_at=iso(stopped))
    lake.s3.buckets["silver"][layout.SILVER_CURRENT] = json.dumps(old.to_json()).encode()
    restarted = lake.new_lake("restarted").silver
    for number in (1, 2):
        row = bronze_row(event_id=f"late-{number}", sk=f"TASK#l{number}", entity_id=f"l{number}")
        put(lake, row, day=f"{stopped:year=%Y/month=%m/day=%d}", number=number)
        assert restarted.run().rows("task_states") == 1 + number


def test_a_backlog_is_taken_in_parts_and_none_is_lost(lake, monkeypatch):
    monkeypatch.setattr("etl.jobs.silver.MAX_FILES", 2)
    for number in range(5):
        put(
            lake, bronze_row(event_id=f"e{number}", sk=f"TASK#{number}", entity_id=str(number)), number=number
        )
    first = lake.lake.silver.run()
    assert (first.rows("task_states"), lake.lake.silver.backlog) == (2, True)
    lake.lake.run(NOW)
    assert lake.manifest().rows("task_states") == 5


def test_unknown_attributes_are_kept_and_missing_ones_are_null(lake):
    image = {"id": "t1", "mood": {"deep": [1, {"x": 1.10}]}, "due_date": "", "status": None}
    put(lake, bronze_row(new_image=json.dumps(image)))
    lake.lake.silver.run()
    (task,) = lake.silver("tasks")
    assert json.loads(task["image"]) == image
    assert [task[name] for name in ("title", "status", "due_date", "created_at", "version")] == [None] * 5
    (event,) = lake.silver("task_events")
    assert event["changed_at"] == datetime(2026, 3, 20, 9, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-03-01T10:00:00.123456Z", datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, 0, tzinfo=UTC)),
        ("2026-03-01 10:00:00-05:30", datetime(2026, 3, 1, 15, 30, tzinfo=UTC)),
        ("2026-03-01T10:00:00", datetime(2026, 3, 1, 10, 0, tzinfo=UTC)),
        ("2026-03-01T10:00:00.5Z", datetime(2026, 3, 1, 10, 0, 0, 500000, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("", None),
        ("1999-12-31T23:59:59.999999Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("1000-01-01T00:00:00Z", None),
        ("2026-03-21T09:00:00Z", datetime(2026, 3, 21, 9, tzinfo=UTC)),
        ("2026-03-21T09:00:01Z", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_times_are_instants_and_made_up_ones_are_missing(lake, text, wanted):
    put(lake, bronze_row(new_image=json.dumps({"id": "t1", "created_at": text})))
    lake.lake.silver.run()
    (task,) = lake.silver("tasks")
    assert task["created_at"] == wanted
    (event,) = lake.silver("task_events")
    assert event["changed_at"] == wanted or event["event_time"]


OUTSIDE = [
    *(("status", value) for value in ("paused", "Pending", "pending\n", " ", True, 1, ["completed"], {})),
    *(("priority", value) for value in ("extreme", "HIGH", 1, False, [])),
    *(("title", value) for value in (5, -1.5, True, False, [], ["a"], {"en": "a"})),
    *(("category", value) for value in (0, ["work"])),
    *(("tags", value) for value in ("work", 3, {"a": 1}, True)),
    *(
        ("due_date", value)
        for value in ("2026-02-30", "soon", "1899-12-31", "10000-01-01", 20260301, ["2026-03-01"])
    ),
    *(("version", value) for value in (-3, 1.5, 10**20, "seven", True, [1])),
    *((name, "2026-02-30T10:00:00Z") for name in ("created_at", "updated_at", "completed_at", "deleted_at")),
    *(
        ("created_at", value)
        for value in ("2026-99-99", "2026-03-01T24:00:00Z", "2026-03-01", 1772352000, "yesterday", ["2026"])
    ),
    ("created_at", "2026-03-01T10:00:00Z\n"),
]


@pytest.mark.parametrize(("name", "value"), OUTSIDE, ids=repr)
def test_a_value_outside_its_domain_is_quarantined_and_a_good_version_repairs_the_task(lake, name, value):
    good = {"id": "t1", "status": "pending", "title": "Tea", "version": 1}
    put(lake, bronze_row())
    image = json.dumps(good | {name: value}, separators=(",", ":"))
    bad = bronze_row(
        event_id="e2", event_name="MODIFY", sequence_number="101", old_image="{}", new_image=image
    )
    put(lake, bad, number=1)
    lake.lake.silver.run()
    assert reasons(lake) == [("e2", f"bad_{name}")]
    (task,) = lake.silver("tasks")
    assert task["event_id"] == "e1", "the task stays as its last good version left it"
    mended = json.dumps(good | {"status": "completed", "version": 3})
    after = bronze_row(
        event_id="e3", event_name="MODIFY", sequence_number="102", old_image=image, new_image=mended
    )
    put(lake, after, number=2)
    lake.lake.silver.run()
    (task,) = lake.silver("tasks")
    assert (task["event_id"], task["status"]) == ("e3", "completed")
    last = {row["event_id"]: row for row in lake.silver("task_events")}["e3"]
    assert last["old_status"] == (None if name == "status" else "pending")


@pytest.mark.parametrize(("name", "value"), OUTSIDE, ids=repr)
def test_a_removal_needs_only_its_key(lake, name, value):
    image = json.dumps({"id": "t1", "status": "pending", "title": "Tea", "version": 1} | {name: value})
    put(
        lake,
        bronze_row(),
        bronze_row(event_id="e2", event_name="REMOVE", sequence_number="101", old_image=image),
    )
    lake.lake.silver.run()
    assert reasons(lake) == []
    assert lake.silver("tasks") == []
    row = {row["event_id"]: row for row in lake.silver("task_events")}["e2"]
    column = {"tags": "image"}.get(name, name)
    assert row[column] == (image if column == "image" else None), "what cannot be used is missing"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": None, "priority": None, "due_date": None, "created_at": None, "version": None},
        {"status": "", "priority": "", "due_date": "", "completed_at": "", "category": "", "title": ""},
        {"title": "5", "category": "true", "tags": []},
        {"title": "-1", "category": "[work]"},
        {"title": "{a}", "tags": ["5", "x"], "nested": {"title": 5, "status": "paused"}},
        {"title": '"title": 5', "category": "null"},
        {"due_date": "1900-01-01"},
        {"due_date": "9999-12-31", "version": "7"},
        {"priority": "urgent", "status": "cancelled", "mood": {"status": 7}},
    ],
    ids=repr,
)
def test_values_that_the_product_or_another_writer_may_store_are_used(lake, changes):
    image = {"id": "t1", "status": "pending", "title": "Tea", "version": 1} | changes
    put(lake, bronze_row(new_image=json.dumps(image, separators=(",", ":"))))
    lake.lake.silver.run()
    assert reasons(lake) == []
    (task,) = lake.silver("tasks")
    assert task["title"] == image["title"]
    assert task["status"] == (image["status"] or None)
    assert str(task["due_date"] or "") == (image.get("due_date") or "")


def test_domains_are_those_of_the_table():
    for literal, pattern in ((fields.Status, "status_pattern"), (fields.Priority, "priority_pattern")):
        assert DOMAINS[pattern] == f"^({'|'.join(get_args(literal))})\\z"
    assert datetime.fromisoformat(EARLIEST) == mending.EARLIEST


def test_a_profile_of_other_types_is_quarantined(lake):
    profile = {"entity_type": "USER", "pk": "USER#ann", "sk": "METADATA", "entity_id": "ann"}
    images = [{"email": 5}, {"name": ["Ann"]}, {"email": "5", "name": "true", "status": 9, "priority": "x"}]
    rows = [
        bronze_row(event_id=f"u{number}", sequence_number=f"{number}", new_image=json.dumps(image), **profile)
        for number, image in enumerate(images)
    ]
    put(lake, *rows)
    lake.lake.silver.run()
    assert reasons(lake) == [("u0", "bad_email"), ("u1", "bad_name")]
    assert [user["email"] for user in lake.silver("users")] == ["5"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_id": None}, "missing_key"),
        ({"sk": ""}, "missing_key"),
        ({"event_name": "UPSERT"}, "bad_event_name"),
        ({"sequence_number": "12x"}, "bad_sequence_number"),
        ({"sequence_number": "1" * 41}, "bad_sequence_number"),
        ({"event_time": "noon"}, "bad_event_time"),
        ({"event_time": "1960-01-01T00:00:00Z"}, "bad_event_time"),
        ({"entity_type": "SESSION"}, "bad_entity_type"),
        ({"user_id": "ben"}, "key_mismatch"),
        ({"entity_id": "t2"}, "unknown_item"),
        ({"sk": "COMMENT#1"}, "unknown_item"),
        ({"new_image": None}, "bad_image"),
        ({"new_image": "{broken"}, "bad_image"),
        ({"new_image": "[1]"}, "bad_image"),
        ({"event_name": "REMOVE"}, "bad_image"),
    ],
)
def test_a_bad_row_is_quarantined_with_its_reason(lake, changes, reason):
    bad = bronze_row(event_id="bad", sequence_number="200") | changes
    put(lake, bronze_row(), bad)
    committed = lake.lake.silver.run()
    assert reasons(lake) == [(bad["event_id"], reason)]
    assert committed.rows("quarantine") == 1
    assert [row["event_id"] for row in lake.silver("task_events")] == ["e1"]
    (row,) = lake.silver("quarantine")
    assert {name: row[name] for name in bad} == bad


def test_copies_of_a_bad_row_count_once_and_a_good_copy_clears_it(lake):
    bad = bronze_row(new_image="{broken")
    put(lake, bad, bad)
    lake.lake.silver.run()
    put(lake, bad, number=1)
    lake.lake.silver.run()
    assert reasons(lake) == [("e1", "bad_image")]
    put(lake, bronze_row(), number=2)
    lake.lake.silver.run()
    assert reasons(lake) == []
    assert len(lake.silver("tasks")) == 1


def test_an_unreadable_file_is_set_aside_and_its_neighbours_are_read(lake):
    good = put(lake, bronze_row())
    for number, body in enumerate((b"not parquet", lake.s3.buckets["bronze"][good][:-40]), start=1):
        lake.s3.buckets["bronze"][good.replace("000000", f"{number:06d}")] = body
    committed = lake.lake.silver.run()
    assert committed.rows("task_states") == 1
    assert reasons(lake) == [(None, "unreadable_file")] * 2
    assert {row["source_file"] for row in lake.silver("quarantine")} == {
        good.replace("000000", f"{number:06d}") for number in (1, 2)
    }
    said = {row["source_file"][-9:]: row["error"] for row in lake.silver("quarantine")}
    assert all(name in error and str(lake.folder) not in error for name, error in said.items())
    assert lake.lake.silver.run() is None


def test_a_run_of_nothing_but_unreadable_files_still_commits(lake):
    key = f"cdc/{DAY}/user_bucket=03/x.parquet"
    lake.s3.buckets["bronze"][key] = b""
    assert lake.lake.silver.run().rows("quarantine") == 1
    assert lake.lake.silver.run() is None


def test_older_and_newer_bronze_columns_are_understood(lake):
    row = bronze_row(mood="new column")
    names = [name for name in row if name != "request_id"]
    put_bronze(lake.s3, f"{DAY}/user_bucket={user_bucket('ann')}", [row], 0, names)
    put(lake, bronze_row(event_id="e2", sequence_number="101", event_name="MODIFY"), number=1)
    lake.lake.silver.run()
    assert len(lake.silver("task_events")) == 2


def test_keys_that_are_not_bronze_files_are_left_alone(lake):
    lake.s3.buckets["bronze"]["cdc/README"] = b"?"
    lake.s3.buckets["bronze"]["cdc-errors/format-conversion-failed/x"] = b"?"
    assert lake.lake.silver.run() is None


def test_of_two_overlapping_runs_one_commits_and_the_other_starts_again(lake, world):
    half = len(world.history) // 2
    lake.deliver(world.history[:half])
    rival = lake.new_lake("rival").silver
    rival_commits = []

    def overtake(operation, key):
        if operation == "put_object" and key == layout.SILVER_CURRENT and not rival_commits:
            rival_commits.append("running")
            lake.deliver(world.history[half:])
            rival_commits[0] = rival.run().commit

    lake.s3.before = overtake
    assert lake.lake.silver.run() is None, "the rival took everything, so the second look finds nothing"
    assert lake.manifest().commit == rival_commits[0]
    assert lake.manifest().sequence == 1
    silver_equals_table(lake, world)
    history_is_whole(lake, world)


def test_it_gives_up_when_others_keep_committing_first(lake, monkeypatch):
    monkeypatch.setattr("etl.lake.commit.time.sleep", lambda seconds: None)
    put(lake, bronze_row())

    def always_first(operation, key):
        if operation == "put_object" and key == layout.SILVER_CURRENT:
            held = manifest.Manifest(sequence=lake.s3.calls["put_object"]).to_json()
            lake.s3.buckets["silver"][key] = json.dumps(held).encode()

    lake.s3.before = always_first
    with pytest.raises(ConflictError):
        lake.lake.silver.run()


def test_glue_follows_even_when_the_run_that_committed_died(lake, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    world.create_task("ann")
    lake.deliver(world.history[-1:])

    def die(**_):
        raise KeyboardInterrupt

    follow, lake.glue.batch_update_partition = lake.glue.batch_update_partition, die
    with pytest.raises(KeyboardInterrupt):
        lake.lake.silver.run()
    lake.glue.batch_update_partition = follow
    lake.new_lake("next").silver.run()
    silver_equals_table(lake, world)


def test_replaced_files_are_deleted_after_a_while_and_live_ones_never(tmp_path):
    for keep, deleted in ((0, True), (3600, False)):
        lake = Harness(tmp_path / str(keep), replace(CONFIG, keep_seconds=keep))
        for number in range(3):
            # Each says more of the rows that are set aside, so their file is replaced each time.
            put(lake, bronze_row(event_id=f"e{number}", event_name="?"), number=number)
            lake.lake.silver.run()
        live = {*lake.manifest().all_files(), *lake.manifest().all_lists()}
        held = {key for key in lake.s3.buckets["silver"] if "/quarantine/" in key}
        assert live <= held
        # What the last commit replaced is still there in any case: somebody may be reading it.
        assert (len({layout.made_by(key) for key in held}) == 2) is deleted


def test_large_histories_are_worked_on_in_parts(lake, world, monkeypatch):
    monkeypatch.setattr("etl.jobs.bronze.groups.__defaults__", (1,))
    lake.deliver(world.history)
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)


def test_files_have_the_declared_schema(lake, world):
    lake.deliver(world.history)
    put(lake, bronze_row(event_id="bad", event_name="?"))
    lake.lake.silver.run()
    for table in SILVER:
        for key in lake.manifest().files(table.name):
            found = pq.read_schema(pa.BufferReader(lake.s3.buckets["silver"][key]))
            assert found.remove_metadata() == arrow_schema(table), table.name


def without_table_name(s3, bucket, key):
    """Rewrite a Parquet file as it was written before there was the column."""
    table = pq.read_table(pa.BufferReader(s3.buckets[bucket][key]))
    body = pa.BufferOutputStream()
    pq.write_table(table.drop_columns(["table_name"]), body)
    s3.buckets[bucket][key] = body.getvalue().to_pybytes()


def test_changes_captured_before_the_table_had_a_name_are_the_first_tables(lake):
    """In Bronze, and in the quarantine; the history that is already in Silver stays as it was written."""
    old, bad = bronze_row(), bronze_row(event_id="e2", sk="TASK#t2")
    put(lake, old, bad)
    for key in [key for key in lake.s3.buckets["bronze"] if key.endswith(".parquet")]:
        without_table_name(lake.s3, "bronze", key)
    lake.lake.silver.run()
    names = {row["event_id"]: row["table_name"] for table in SOURCES for row in lake.silver(table)}
    assert names == {"e1": layout.SOURCE_TABLE, "e2": layout.SOURCE_TABLE}

    for key in lake.manifest().files("quarantine"):
        without_table_name(lake.s3, "silver", key)
    another = {"event_id": "e3", "sequence_number": "101", "table_name": "another-table"}
    put(lake, bronze_row(**another), bad | {"event_id": "e4"}, number=1)
    lake.new_lake("later").silver.run()
    names = {row["event_id"]: row["table_name"] for table in SOURCES for row in lake.silver(table)}
    assert names == dict.fromkeys(("e1", "e2", "e4"), layout.SOURCE_TABLE) | {"e3": "another-table"}

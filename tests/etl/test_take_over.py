"""The Silver of an older version is taken over by the next run, and given back by its pointer."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from etl.capture.bronze_row import bronze_row
from etl.jobs import job_requests
from etl.lake import layout, manifest
from etl.lake.manifest import OldFormatError
from etl.status import status
from etl.upkeep.erase import Erasure
from tests.etl.checks import all_equal, history_is_whole, silver_equals_table
from tests.etl.deaths import Watch
from tests.etl.harness import NOW
from tests.etl.memory import put_bronze
from tests.etl.old_layout import lay_out
from tests.etl.world import World, play


@pytest.fixture
def world():
    world = World()
    play(world, Random(21), 80)
    # The version before did not mark writes of index keys.
    assert not [change for change in world.history if change.name == "MODIFY" and change.old == change.new]
    return world


@pytest.fixture
def old(lake, world):
    """A lake of the version before, up to date with two thirds of a history; its pointer."""
    lake.deliver(world.history[: 2 * len(world.history) // 3])
    lake.lake.run(NOW)
    pointer = lay_out(lake)
    lake.lake = lake.new_lake("the version after")
    return pointer


def data(pointer):
    return {key for parts in pointer["tables"].values() for part in parts.values() for key in part["files"]}


def test_the_next_run_takes_it_over_without_bronze(lake, world, old):
    read = []
    lake.s3.before = lambda operation, key: read.append(key) if operation == "get_object" else None
    lake.lake.silver.take_over()
    assert not [key for key in read if key.startswith("cdc/")]
    after = lake.manifest()
    assert after.format == manifest.FORMAT
    assert after.rows("task_events") == sum(part["rows"] for part in old["tables"]["task_events"].values())
    assert set(after.tables) == {"task_events", "task_states", "user_states", "quarantine"}
    lake.deliver(world.history)
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)
    assert lake.new_lake("later").run(NOW) is False


def test_an_event_older_than_a_removal_of_before_does_not_bring_the_task_back(lake):
    """The stored `tasks` did not know of what was removed."""
    world = World()
    task = world.create_task("ann")
    world.foreign_delete("TASK#ann", f"TASK#{task}")
    lake.deliver(world.history[1:])
    lake.lake.silver.run()
    lay_out(lake)
    lake.deliver(world.history[:1])
    lake.new_lake("after").silver.run()
    assert lake.silver("tasks") == []
    history_is_whole(lake, world)


def test_quarantined_rows_of_before_are_closed_and_stay_so(lake, world):
    bucket = layout.user_bucket("ann")
    bad = bronze_row(world.history[0].record()) | {"event_time": "soon"}

    def put(event_id, number):
        where = f"year=2026/month=01/day=18/user_bucket={bucket}"
        return put_bronze(lake.s3, where, [bad | {"event_id": event_id}], number)

    lake.deliver(world.history)
    file = put("bad-1", 18)
    lake.lake.run(NOW)
    lay_out(lake)
    after = lake.new_lake("after")
    job_requests.submit(after.silver.silver, "dismiss", "root@example.com", "req-1", files=[file])
    after.carry_out_requests(NOW)
    assert lake.manifest().quarantined() == 0
    put("bad-2", 19)
    after.run(NOW)
    rows = {row["event_id"]: row for row in lake.silver("quarantine")}
    assert {name: row["dismissed_by"] for name, row in rows.items()} == {
        "bad-1": "root@example.com",
        "bad-2": None,
    }
    assert all(row["arrived_on"] for row in rows.values())
    assert lake.manifest().quarantined() == 1
    all_equal(lake, world, NOW)


def test_files_of_before_become_one_a_month(lake, world, old):
    world.tick(40 * 86_400)
    world.create_task("ann")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    lake.lake.tidy(datetime.now(UTC))
    for part in lake.manifest().parts("task_events").values():
        assert all(file.first[:7] == file.last[:7] for file in part.files)
        months = [file.first[:7] for file in part.files]
        assert len(months) == len(set(months))
    all_equal(lake, world, NOW)


def test_the_pointer_of_before_put_back_takes_it_back(lake, world, old):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    lake.lake.tidy(datetime.now(UTC))
    lake.deliver(world.history[:1])
    lake.lake.run(NOW)
    held = lake.s3.buckets["silver"]
    assert json.loads(held[layout.SILVER_BEFORE]) == old
    assert data(old) <= held.keys(), "for a week, whatever is merged"
    assert {mark["key"] for mark in old["days"].values()} <= held.keys()

    held[layout.SILVER_CURRENT] = held[layout.SILVER_BEFORE]
    lake.new_lake("again").run(NOW)
    all_equal(lake, world, NOW)


def test_after_a_week_the_files_of_before_go(lake, world, old, monkeypatch):
    lake.lake.run(NOW)
    lake.lake.tidy(datetime.now(UTC))
    retired = lake.manifest().retired
    limit = datetime.now(UTC) + manifest.GO_BACK + timedelta(minutes=1)
    assert data(old) - set(lake.manifest().all_files()) <= retired.keys()
    assert max(retired.values()) < limit.isoformat()


@pytest.mark.sliced
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["silver/files", "silver/_before.json", "silver/_current.json"])
def test_a_run_that_dies_while_taking_over_is_made_good(lake, world, old, step, moment):
    lake.deliver(world.history)
    watch = Watch(lake.s3, lake.glue)
    watch.killed(lambda: lake.new_lake("dies").run(NOW), lambda when, what: (when, what) == (moment, step))
    lake.new_lake("next").run(NOW)
    all_equal(lake, world, NOW)
    assert json.loads(lake.s3.buckets["silver"][layout.SILVER_BEFORE]) == old


def test_of_two_that_take_over_one_does(lake, world, old):
    rival = lake.new_lake("rival")
    commits = []

    def overtake(operation, key):
        if operation == "put_object" and key == layout.SILVER_CURRENT and not commits:
            commits.append("")
            rival.silver.take_over()
            commits[0] = lake.manifest().commit

    lake.s3.before = overtake
    lake.lake.silver.take_over()
    assert [lake.manifest().commit] == commits
    assert json.loads(lake.s3.buckets["silver"][layout.SILVER_BEFORE]) == old
    silver_equals_table_of(lake, world)


def silver_equals_table_of(lake, world):
    lake.deliver(world.history)
    lake.lake.silver.run()
    silver_equals_table(lake, world)


def test_until_then_it_is_read_and_not_written(lake, world, old):
    with pytest.raises(OldFormatError):
        Erasure(lake.config, lake.s3, lake.glue, "ann").run()
    assert lake.lake.run_gold(NOW) is False
    assert status.read(lake.config, lake.s3).silver.rows["task_events"] > 0


def test_an_erasure_takes_the_person_out_of_the_files_of_before_too(lake, world, old):
    lake.lake.upkeep(datetime.now(UTC))
    Erasure(lake.config, lake.s3, lake.glue, "ann").run()
    assert [trace for trace in Erasure(lake.config, lake.s3, lake.glue, "ann").traces() if trace.own] == []

"""Gold's publishing: whole snapshots, one winner, readers never left without files, a new day a new snapshot."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.jobs import gold
from etl.lake import catalog, layout
from etl.lake.tables import GOLD
from tests.etl.checks import all_equal, gold_equals_oracle
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG
from tests.etl.schemas import arrow_schema
from tests.etl.world import World, play


@pytest.fixture
def world():
    world = World()
    play(world, Random(11), 40)
    return world


def current(lake):
    return json.loads(lake.s3.buckets["gold"][layout.GOLD_CURRENT])


def test_publishes_every_table_under_one_snapshot(lake, world):
    lake.deliver(world.history)
    assert lake.lake.run(NOW) is True
    shown = current(lake)
    assert shown["tables"].keys() == set(catalog.GOLD_TABLES)
    for name, table in shown["tables"].items():
        assert table["location"] == lake.glue.location(name)
        assert f"/gold/{name}/snapshot={shown['snapshot']}/" in table["location"]
        assert table["rows"] == len(lake.gold(name))
    assert (
        shown["as_of"]
        == lake.manifest().as_of
        == max(row["event_time"] for row in lake.silver("task_events")).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    )
    assert shown["today"] == "2026-06-02"


def test_an_empty_lake_has_empty_tables_and_a_snapshot(lake):
    lake.lake.run(NOW)
    assert lake.gold("user_analytics") == []
    assert ("total_tasks", 0.0) in lake.gold("business_metrics_kpis")
    assert current(lake)["as_of"] == ""


def test_files_have_the_declared_schema(lake, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    for table in GOLD:
        key = layout.gold_file(table.name, current(lake)["snapshot"])
        found = pq.read_schema(pa.BufferReader(lake.s3.buckets["gold"][key]))
        assert found.remove_metadata() == arrow_schema(table), table.name
        metadata = pq.read_metadata(pa.BufferReader(lake.s3.buckets["gold"][key]))
        if metadata.num_row_groups:
            assert metadata.row_group(0).column(0).compression == "SNAPPY"


def test_a_new_day_is_a_new_snapshot_without_new_events(lake):
    world = World()
    world.create_task("ann", due_date="2026-06-02")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    assert ("overdue_tasks", 0.0) in lake.gold("business_metrics_kpis")
    later = NOW + timedelta(hours=2)
    assert lake.lake.has_news(NOW) is False
    assert lake.lake.has_news(later) is True
    assert lake.lake.run(later) is True
    assert ("overdue_tasks", 1.0) in lake.gold("business_metrics_kpis")
    gold_equals_oracle(lake, world, later)


def test_days_begin_in_the_reporting_timezone(tmp_path):
    lake = Harness(tmp_path, replace(CONFIG, timezone=ZoneInfo("Asia/Kolkata")))
    world = World()
    world.tick(12 * 3600)
    world.create_task("ann")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    # 21:00 UTC on 20 March is 02:30 on the 21st in Kolkata.
    assert min(row[0] for row in lake.gold("daily_throughput")).isoformat() == "2026-03-21"
    assert current(lake)["today"] == "2026-06-03"


def test_days_are_shorter_and_longer_where_clocks_change(tmp_path):
    """In Berlin 29 March 2026 has 23 hours, from 23:00 UTC to 22:00; 25 October has 25, from 22:00 to 23:00."""
    lake = Harness(tmp_path, replace(CONFIG, timezone=ZoneInfo("Europe/Berlin")))
    world = World()
    for month, day, hour, minute in (
        (3, 28, 22, 59),
        (3, 28, 23, 1),
        (3, 29, 21, 59),
        (3, 29, 22, 1),
        (10, 24, 21, 59),
        (10, 24, 22, 1),
        (10, 25, 22, 59),
        (10, 25, 23, 1),
    ):
        world.now = datetime(2026, month, day, hour, minute, tzinfo=UTC)
        world.create_task("ann")
    lake.deliver(world.history)
    later = datetime(2026, 10, 26, 22, 59, tzinfo=UTC)
    lake.lake.run(later)
    created = {f"{row[0]:%m-%d}": row[1] for row in lake.gold("daily_throughput") if row[1]}
    assert created == {"03-28": 1, "03-29": 2, "03-30": 1, "10-24": 1, "10-25": 2, "10-26": 1}
    assert current(lake)["today"] == "2026-10-26"
    gold_equals_oracle(lake, world, later)


def test_an_imported_task_counts_when_it_was_created_and_completed(lake):
    """600 tasks that are restored today were not completed today."""
    world = World()
    world.now = datetime(2026, 3, 20, 9, tzinfo=UTC)
    world.create_user("ann")
    world.now = datetime(2026, 5, 20, 9, tzinfo=UTC)
    created = datetime(2026, 3, 21, 9, tzinfo=UTC)
    world.import_task("ann", created, status="completed", completed_at="2026-03-23T10:30:00.000000Z")
    for status in ("pending", "cancelled"):
        task = world.import_task("ann", created, status=status)
    world.tick(3600)
    world.change_task("ann", task, title="touched today")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    days = {f"{row[0]:%m-%d}": row[1:3] for row in lake.gold("daily_throughput") if any(row[1:3])}
    assert days == {"03-21": (3, 0), "03-23": (0, 1)}
    gold_equals_oracle(lake, world, NOW)


def test_items_put_back_into_a_table_are_not_created_again(lake):
    """A table that lost its items gets them back, and its stream says so: INSERTs of what the lake knows."""
    world = World()
    tasks = [world.create_task("ann", status=status) for status in ("pending", "completed")]
    world.change_task("ann", tasks[0], title="second version")
    lost = dict(world.items)
    world.items.clear()
    world.tick(3600)
    for (pk, sk), item in lost.items():
        world.put(pk, sk, item)
    lake.deliver(world.history)
    lake.lake.run(NOW)
    created, completed, _, deleted, restored = map(
        sum, zip(*[row[1:] for row in lake.gold("daily_throughput")], strict=True)
    )
    assert (created, completed, deleted, restored) == (2, 1, 0, 2)
    all_equal(lake, world, NOW)


def test_a_write_of_index_keys_alone_is_no_change(lake):
    """As after a new index, which touches every item: nobody was active, nothing was done."""
    world = World()
    world.create_user("ann")
    task = world.create_task("ann")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    before = {
        name: sorted(map(repr, lake.gold(name)))
        for name in ("user_analytics", "activity_heatmap", "kpi_daily")
    }
    world.tick(30 * 86400)
    world.touch_index("TASK#ann", f"TASK#{task}")
    world.touch_index("USER#ann", "METADATA")
    lake.deliver(world.history[2:])
    lake.lake.run(NOW)
    assert {name: sorted(map(repr, lake.gold(name))) for name in before} == before
    assert len(lake.silver("task_events")) == 4, "the history has them"
    world.change_task("ann", task, status="completed")
    lake.deliver(world.history[4:])
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)


def test_what_is_only_known_by_a_write_of_index_keys_is_there(lake):
    """The write that made the item is late: a check compares figures with items, and must not stop them."""
    world = World()
    task = world.create_task("ann")
    world.touch_index("TASK#ann", f"TASK#{task}")
    lake.deliver(world.history[1:])
    lake.lake.run(NOW)
    assert [row[1] for row in lake.gold("task_facts")] == [task]
    lake.deliver(world.history[:1])
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)


def test_another_type_of_the_same_value_is_a_change(lake):
    """A set and a list are the same JSON."""
    world = World()
    world.foreign_task("eve", "x", labels={"a"})
    world.foreign_task("eve", "x", labels=["a"])
    lake.deliver(world.history)
    lake.lake.run(NOW)
    assert len(lake.gold("change_facts")) == 2


@pytest.mark.parametrize("clock", ["1970-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
def test_a_clock_that_nobody_believes_makes_no_figure_longer(lake, clock):
    world = World()
    task = world.create_task("ann", status="completed")
    lake.deliver(world.history)
    lake.lake.run(NOW)
    wanted = {table.name: len(lake.gold(table.name)) for table in GOLD}
    world = World()
    item = {**world.items, **dict.fromkeys(("created_at", "updated_at", "completed_at"), clock)}
    world.put("TASK#ann", f"TASK#{task}", {"id": task, "status": "completed", "version": 1, **item})
    other = Harness(lake.folder / "other", lake.config)
    other.deliver(world.history)
    other.lake.run(NOW)
    assert {table.name: len(other.gold(table.name)) for table in GOLD} == wanted
    all_equal(other, world, NOW)


def test_changed_definitions_are_a_new_snapshot(lake, monkeypatch):
    lake.lake.run(NOW)
    assert lake.new_lake("same code").run(NOW) is False
    monkeypatch.setattr(gold, "gold_definition", lambda: "new code")
    assert lake.new_lake("new code").run(NOW) is True


def test_old_snapshots_go_but_never_the_last_three_nor_young_ones(tmp_path):
    for keep, wanted in ((0, 3), (3600, 6)):
        lake = Harness(tmp_path / str(keep), replace(CONFIG, keep_seconds=keep))
        for day in range(6):
            lake.lake.run(NOW + timedelta(days=day))
        held = {
            key.split("snapshot=")[1].split("/")[0] for key in lake.s3.buckets["gold"] if "snapshot=" in key
        }
        assert len(held) == wanted
        assert current(lake)["snapshot"] == max(held)


def test_a_reader_never_meets_a_missing_file(tmp_path, world):
    lake = Harness(tmp_path, replace(CONFIG, keep_seconds=0))
    lake.deliver(world.history)
    lake.lake.run(NOW)

    def look(operation, key):
        for table in GOLD:
            location = lake.glue.location(table.name).removeprefix("s3://gold/")
            assert any(name.startswith(location) for name in lake.s3.buckets["gold"]), table.name

    lake.s3.before = look
    for day in range(1, 5):
        lake.lake.run(NOW + timedelta(days=day))


def test_readers_see_a_snapshot_only_when_every_table_has_moved(lake, world):
    lake.lake.run(NOW)

    def look(operation, key):
        if (operation, key) == ("put_object", layout.GOLD_CURRENT):
            snapshot = json.loads(lake.s3.buckets["gold"][layout.GOLD_COMMIT])["snapshot"]
            assert all(snapshot in lake.glue.location(table.name) for table in GOLD)
            looked.append(snapshot)

    looked = []
    lake.s3.before = look
    lake.deliver(world.history)
    lake.lake.run(NOW)
    assert looked == [current(lake)["snapshot"]]


def kpis(lake):
    return json.loads(lake.s3.buckets["gold"][layout.GOLD_KPIS])


def test_the_key_figures_are_written_before_the_pointer_moves(lake, world):
    def look(operation, key):
        if (operation, key) == ("put_object", layout.GOLD_CURRENT):
            commit = json.loads(lake.s3.buckets["gold"][layout.GOLD_COMMIT])
            assert kpis(lake)["snapshot"] == commit["snapshot"]
            looked.append(key)

    looked = []
    lake.s3.before = look
    lake.deliver(world.history)
    lake.lake.run(NOW)
    assert looked
    assert kpis(lake)["published_at"] == current(lake)["published_at"]
    assert kpis(lake)["values"] == dict(lake.gold("business_metrics_kpis"))


def test_a_slower_run_does_not_put_older_key_figures_back(lake, world):
    lake.deliver(world.history[:-1])
    overtaken = []

    def overtake(operation, key):
        if (operation, key) == ("put_object", layout.GOLD_KPIS) and not overtaken:
            overtaken.append(key)
            lake.deliver(world.history[-1:])
            lake.new_lake("rival").run(NOW)

    lake.s3.before = overtake
    lake.lake.run(NOW)
    assert kpis(lake)["snapshot"] == current(lake)["snapshot"]
    assert kpis(lake)["values"] == dict(lake.gold("business_metrics_kpis"))


def test_of_two_overlapping_runs_the_one_with_the_newer_input_ends_up_published(lake, world):
    half = len(world.history) // 2
    lake.deliver(world.history[:half])
    rival = lake.new_lake("rival")
    overtaken = []

    def overtake(operation, key):
        if (operation, key) == ("put_object", layout.GOLD_COMMIT) and not overtaken:
            overtaken.append(key)
            lake.deliver(world.history[half:])
            rival.run(NOW)

    lake.s3.before = overtake
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)
    assert current(lake)["silver_commit"] == lake.manifest().content


def test_overlapping_moves_of_tables_end_at_the_winner(lake, world):
    half = len(world.history) // 2
    lake.deliver(world.history[:half])
    rival = lake.new_lake("rival")
    move, overtaken = lake.glue.update_table, []
    lake.lake.run(NOW)
    lake.deliver(world.history[half:-1])

    def overtake(**arguments):
        if not overtaken:
            overtaken.append(arguments)
            lake.deliver(world.history[-1:])
            rival.run(NOW)
        move(**arguments)

    lake.glue.update_table = overtake
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)
    assert all(current(lake)["snapshot"] in lake.glue.location(table.name) for table in GOLD)

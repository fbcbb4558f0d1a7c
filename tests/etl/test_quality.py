"""Checks before publishing: what fails is not published, readers keep the last good snapshot, people can see why."""

from datetime import UTC, datetime, timedelta

import pytest

from etl.jobs import gold, quality, steps
from etl.lake import layout
from etl.status import status
from etl.upkeep import orphans
from tests.etl.harness import NOW
from tests.etl.world import World


@pytest.fixture
def world():
    world = World()
    world.create_user("ann")
    done = world.create_task("ann", status="completed")
    world.create_task("ann")
    world.delete_task("ann", done)
    return world


def current(lake):
    return lake.lake.gold.gold.get_json(layout.GOLD_CURRENT)[0]


def failing(lake):
    return [check.name for check in status.read(lake.config, lake.s3, NOW).checks if not check.ok]


def spoil(monkeypatch, step, change):
    """Change the SQL of a Gold step, as a mistake would."""
    original = steps.sql_text

    def text(layer, name):
        sql = original(layer, name)
        return change(sql) if name == step else sql

    monkeypatch.setattr(gold, "sql_text", text)


def test_a_good_snapshot_passes_all_checks(lake, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    checks = current(lake)["checks"]
    assert len(checks) >= 20
    assert all(check["ok"] for check in checks)
    assert failing(lake) == []


def swap(text, other):
    return lambda sql: sql.replace(text, other)


MISTAKES = [
    ("user_analytics", lambda sql: f"{sql} UNION ALL SELECT * FROM ({sql})", "Every user has one row of figures"),
    ("user_analytics", lambda sql: f"{sql} WHERE false", "Every user with tasks has figures"),
    ("task_analytics_user_metrics", swap("FROM lives", "FROM lives WHERE false"), "Tasks by user add up"),
    ("completion_times", swap("status = 'completed'", "true"), "Completed tasks each have a time"),
    ("cumulative_flow", lambda sql: sql.replace("-1 AS step", "0 AS step"), "Tasks by status add up at the end"),
    ("business_metrics_kpis", swap("'total_tasks', total", "'total_tasks', 1 + total"), "Total tasks equal Silver"),
    ("retention_cohorts", lambda sql: sql.replace(" AS rate", " + 1.0D AS rate"), "Rates lie between 0 and 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "change", "check"), MISTAKES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_wrong_figure_blocks_the_snapshot(lake, world, monkeypatch, step, change, check):
    lake.deliver(world.history[:2])
    lake.lake.run(NOW)
    before, shown = current(lake), lake.gold("business_metrics_kpis")
    lake.deliver(world.history[2:])
    spoil(monkeypatch, step, change)
    lake.lake.run(NOW)
    assert current(lake) == before
    assert lake.gold("business_metrics_kpis") == shown
    assert check in failing(lake)

    transforms = lake.s3.calls["put_object"]
    assert lake.new_lake("again").run_gold(NOW) is False
    assert lake.s3.calls["put_object"] == transforms, "the same input is not tried again"

    monkeypatch.undo()
    monkeypatch.setattr(gold, "gold_definition", lambda: "repaired")
    assert lake.lake.run_gold(NOW) is True
    assert current(lake)["snapshot"] > before["snapshot"]
    assert failing(lake) == []


def test_rows_that_were_not_read_block_the_snapshot(lake, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    source = lake.manifest()
    checks = quality.judge([], {"task_states": source.rows("task_states") - 1}, source, source.as_of, "")
    with pytest.raises(quality.QualityError, match="All of task_states was read"):
        quality.require(checks)


@pytest.mark.parametrize(("latest", "before"), [("2999", ""), ("", "2999")])
def test_a_snapshot_that_is_not_fresh_is_blocked(lake, world, latest, before):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    with pytest.raises(quality.QualityError, match=r"newer|fresh"):
        quality.require(quality.judge([], {}, lake.manifest(), latest, before))


def test_files_nobody_refers_to_are_swept_and_no_others(lake, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    before = {name: dict(objects) for name, objects in lake.s3.buckets.items()}
    replaceable = datetime.now(UTC) - timedelta(seconds=lake.config.keep_seconds)
    old, young = "20200101T000000000000-abcdef", f"{replaceable - timedelta(hours=1):%Y%m%dT%H%M%S%f}-abcdef"
    for name in (old, young):
        lake.s3.buckets["silver"][f"silver/tasks/user_bucket=00/{name}/part-0.parquet"] = b"dead"
        lake.s3.buckets["silver"][f"silver/_consumed/2026-01-01/{name}.json.gz"] = b"dead"
        lake.s3.buckets["gold"][f"gold/task_facts/snapshot={name}/part-0.parquet"] = b"dead"
    assert orphans.delete_orphans(lake.config, lake.s3) == 3
    assert orphans.delete_orphans(lake.config, lake.s3) == 0
    assert orphans.delete_orphans(lake.config, lake.s3, datetime.now(UTC) + timedelta(days=9)) == 3
    assert {name: dict(objects) for name, objects in lake.s3.buckets.items()} == before
    assert lake.lake.run(NOW) is False

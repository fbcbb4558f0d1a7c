"""What admins order of the lake, and what is noted of its runs."""

import pytest

from etl import orders, runs, status
from tests.etl.checks import silver_equals_table
from tests.etl.harness import NOW
from tests.etl.memory import CONFIG
from tests.etl.world import World


@pytest.fixture
def world():
    world = World()
    world.create_user("ann")
    world.create_task("ann")
    return world


@pytest.fixture
def silver(lake):
    return lake.lake.silver.silver


def order(silver, kind, *days):
    return orders.submit(silver, kind, "root@example.com", "req-1", *days)


def test_it_works(lake, silver, world):
    lake.deliver(world.history)
    order(silver, "run")
    assert [o.state for o in orders.recent(silver)] == ["waiting"]
    assert lake.lake.fulfil_orders()
    (done,) = orders.recent(silver)
    assert (done.state, done.message, done.ordered_by) == ("done", "up to date", "root@example.com")
    silver_equals_table(lake, world)


def test_a_replay_reads_the_days_again_and_changes_nothing(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    before = lake.silver("task_events")
    (day,) = lake.manifest().days
    commit = lake.manifest().commit
    order(silver, "replay", day, day)
    lake.lake.fulfil_orders()
    assert orders.recent(silver)[0].message == "read 1 days again"
    assert lake.manifest().commit != commit
    assert sorted(map(str, lake.silver("task_events"))) == sorted(map(str, before))
    assert lake.manifest().days[day].files


def test_days_outside_a_replay_are_left_alone(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    commit = lake.manifest().commit
    order(silver, "replay", "1999-01-01", "1999-12-31")
    lake.lake.fulfil_orders()
    assert lake.manifest().commit == commit


def test_an_order_is_carried_out_once(lake, silver):
    order(silver, "run")
    assert orders.fulfil(silver, lambda: None) == 1
    assert orders.fulfil(silver, lambda: None) == 0


def test_two_runners_do_not_share_an_order(silver):
    order(silver, "run")
    seen = []
    orders.fulfil(silver, lambda: seen.append(orders.fulfil(silver, lambda: None)))
    assert seen == [0]


def test_what_fails_says_why(silver):
    def broken():
        raise RuntimeError("the disk is full")

    order(silver, "run")
    orders.fulfil(silver, broken)
    (failed,) = orders.recent(silver)
    assert (failed.state, failed.message) == ("failed", "RuntimeError: the disk is full")


@pytest.mark.parametrize(
    "given", [("nonsense",), ("replay", "2026-02-01", "2026-01-01"), ("replay", "x", "y")]
)
def test_senseless_orders(silver, given):
    with pytest.raises(ValueError):  # noqa: PT011
        order(silver, *given)
    assert not orders.recent(silver)


def test_runs_are_noted(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    gold, made = runs.latest(silver)
    assert (gold["layer"], made["layer"]) == ("gold", "silver")
    assert made["rows"]["task_events"] == 2
    assert gold["duration_ms"] >= 0


def test_status(lake, world):
    empty = status.read(CONFIG, lake.s3)
    assert (empty.files, empty.silver.published_at, empty.gold.rows) == (0, "", {})
    lake.deliver(world.history)
    lake.lake.run(NOW)
    found = status.read(CONFIG, lake.s3, world.arrival if hasattr(world, "arrival") else NOW)
    assert found.files >= 1
    assert found.silver.rows["task_events"] == 2
    assert found.gold.rows["user_analytics"] == 1
    assert [check.ok for check in found.checks][:2] == [True, True]

"""Every number on the page and in every CSV equals a brute-force pass over the table's full change history."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights import answers, pages
from insights.dashboards import EVERYBODY
from insights.filters import Filters, State
from insights.periods import Period
from localcloud.accounts import ensure_client, pool_definition
from tasks.demo import accounts
from tests.etl.harness import NOW
from tests.etl.oracle import category, due
from tests.etl.world import World, play
from tests.insights.checking import assert_page, links, read_csv
from tests.insights.drill_down import expected_tasks
from tests.insights.histories import gold, publish, recorded
from tests.insights.lake import Lake
from tests.insights.truth import Truth
from tests.roles import OWNER
from tests.slices import examples
from web import athena

pytestmark = pytest.mark.slow
CHOICES = (
    State(),
    State(180),
    State(compare=False, filters=Filters(category="work")),
    State(filters=Filters(priority="urgent", status="completed")),
    State(filters=Filters(user="ann")),
    State(90, filters=Filters(category="(none)", status="pending")),
    State(filters=Filters(user="nobody")),
)


def played(seed: int, steps: int = 60) -> World:
    world = World()
    play(world, Random(seed), steps)
    return world


@pytest.fixture
def check(manager, settings):
    """Return a function that compares a manager's page with brute force and returns the answers it is made of."""
    settings.INSIGHTS_PAGE_SECONDS = 30

    def compare(oracle, state: State = State()) -> dict:  # noqa: B008
        assert_page(manager, oracle, state)
        return answered(state)

    return compare


def answered(state: State) -> dict:
    """The rows of every question of a page that has just been asked for."""
    snapshot = athena.current_snapshot()
    assert snapshot
    outcomes = answers.gather(pages.page_keys(EVERYBODY, state, snapshot), snapshot)
    assert all(outcome.cached for outcome in outcomes.values())
    return {slug: outcome.answer.rows for slug, outcome in outcomes.items()}


@pytest.fixture(scope="module")
def made():
    """A believable stretch of history, with other people's scripts in it, as files of Gold."""
    return gold(played(11, 160).history, NOW)


@pytest.fixture(scope="module")
def kept(made) -> str:
    """The snapshot of it."""
    return Lake().write_files(made[0])


@pytest.fixture
def history(lake, made, kept):
    """It is published: always as the same snapshot, so that one test's answers are cached for the next."""
    lake.switch(kept)
    lake.point(kept, NOW)
    return made[1]


@pytest.mark.sliced
@pytest.mark.parametrize("filters", CHOICES, ids=lambda chosen: chosen.query or "all")
def test_every_number_agrees_with_brute_force(history, check, filters):
    check(history, filters)


def test_the_tasks_of_every_kind_of_drill_down(history, manager, settings):
    """One link of each kind on the page: the tasks it leads to, with all that is said of them."""
    settings.INSIGHTS_PAGE_SECONDS = 30
    state = State(filters=Filters(category="work"))
    kinds = {}
    for link, shown in links(assert_page(manager, history, state)):
        kinds[tuple(sorted(link)), link.get("event"), link.get("standing"), link.get("time")] = link, shown
    truth = Truth(history, Period(30, history.today), state.filters)
    assert len(kinds) > 15
    for link, _ in kinds.values():
        rows = read_csv(manager.get("/insights/tasks.csv", link).content.decode())
        counted = expected_tasks(truth, link)
        found = {(f"TASK#{row['user_id']}", f"TASK#{row['task_id']}"): row for row in rows}
        assert {key: int(row["times"]) for key, row in found.items()} == counted, link
        for key, row in found.items():
            last = truth.deeds[key][-1].change
            item = last.new or last.old or {}
            hours = truth.hours_of(key)
            assert row["category"] == category(item)
            assert row["priority"] == (item.get("priority") or "(none)")
            assert row["status"] == item.get("status", "unknown")
            assert row["due_date"] == str(due(item) or "")
            assert datetime.fromisoformat(row["created_at"]) == truth.created_at(key).replace(tzinfo=None)
            assert [row["lead_hours"], row["cycle_hours"]] == ["" if h is None else str(h) for h in hours]


@pytest.mark.sliced
@pytest.mark.parametrize("person", ["ann", "drifter", "nobody"])
def test_a_persons_own_page(history, signed_in, settings, person):
    settings.INSIGHTS_PAGE_SECONDS = 30
    for state in (State(person=person), State(90, False, Filters(priority="low"), person)):
        assert_page(signed_in(person), history, state)


@pytest.mark.long
def test_the_demo_workspace(lake, cognito, tmp_path, monkeypatch, check):
    """What ``load_demo`` writes, read back from the table's own stream."""
    pool = cognito.create_user_pool(**pool_definition())["UserPool"]["Id"]
    ensure_client(cognito, pool)
    quiet = {"stdout": io.StringIO(), "workers": 2}
    monkeypatch.setenv("DEMO_PASSWORD", "Demo-horse-9")
    monkeypatch.setattr(accounts, "boto3", OWNER)  # an operator runs it
    with override_settings(USER_POOL_ID=pool):
        call_command("load_demo", state=tmp_path / "demo.json", people=4, tasks=80, months=3, **quiet)
    users = [
        next(pair["Value"] for pair in user["Attributes"] if pair["Name"] == "sub")
        for user in cognito.list_users(UserPoolId=pool)["Users"]
    ]
    history = recorded(django_settings.TABLE_NAME, users)
    assert len(history) > 200
    oracle = publish(lake, history, datetime.now(UTC))
    rows = check(oracle)
    check(oracle, State(90, filters=Filters(user=users[0])))
    check(oracle, State(180, compare=False))
    check(oracle, State(filters=Filters(category=rows["categories"][0]["category"])))


@pytest.mark.sliced
@settings(
    max_examples=examples(4),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(0, 70),
    timezone=st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Chatham"]),
    state=st.sampled_from(CHOICES),
)
def test_any_history(lake, settings, check, seed, steps, timezone, state):
    settings.REPORTING_TIMEZONE = timezone
    check(publish(lake, played(seed, steps).history, NOW, timezone), state)


class TestEdges:
    """Small histories in which one thing is odd."""

    @pytest.fixture
    def world(self):
        world = World()
        world.now = NOW - timedelta(days=20)
        return world

    @pytest.fixture
    def seen(self, lake, check):
        """Return a function that publishes a world, checks its page, and returns the answers."""

        def look(world, timezone="UTC"):
            return check(publish(lake, world.history, NOW, timezone))

        return look

    def test_a_reopened_task_counts_twice_and_is_open(self, seen, world):
        task = world.create_task("ann")
        for status in ("completed", "pending", "completed", "pending"):
            world.tick(3600)
            world.change_task("ann", task, status=status)
        rows = seen(world)
        assert sum(row["completed"] for row in rows["throughput"]) == 2
        assert sum(row["reopened"] for row in rows["throughput"]) == 2
        assert rows["lead-time"] == []

    def test_a_deleted_task_was_there_and_is_no_more(self, seen, world):
        task = world.create_task("ann", due_date="2026-05-15")
        world.tick(5 * 86400)
        world.delete_task("ann", task)
        rows = seen(world)
        flow = [row["tasks"] for row in rows["cumulative-flow"] if row["status"] == "pending"]
        assert flow.count(1) == 5
        assert sum(row["tasks"] for row in rows["ageing"]) == 0

    def test_a_restored_task_is_not_created_again(self, seen, world):
        task = world.create_task("ann")
        world.tick(86400)
        world.delete_task("ann", task)
        world.tick(86400)
        world.restore_task("ann", task)
        assert sum(row["created"] for row in seen(world)["throughput"]) == 1

    @pytest.mark.sliced
    @pytest.mark.parametrize(("timezone", "day"), [("UTC", "2026-05-20"), ("Asia/Kolkata", "2026-05-21")])
    def test_days_begin_in_the_reporting_timezone(self, seen, world, settings, timezone, day):
        settings.REPORTING_TIMEZONE = timezone
        world.now = NOW.replace(month=5, day=20, hour=23, minute=59)
        world.create_task("ann")
        rows = seen(world, timezone)["throughput"]
        assert [row["day"] for row in rows if row["created"]] == [day]

    def test_completed_before_started_has_no_cycle_time(self, seen, world):
        task = world.create_task("ann", status="completed")
        world.tick(60)
        world.change_task("ann", task, status="in_progress")
        world.tick(60)
        world.foreign_patch(
            "ann", task, status="completed", completed_at=(NOW - timedelta(days=20)).isoformat()
        )
        assert seen(world)["cycle-time"] == []

    def test_a_task_as_long_as_the_end_of_a_bar_is_in_the_next_bar(self, lake, world, manager):
        tasks = []
        for seconds in (7199, 7200):
            tasks.append(world.create_task("ann"))
            world.tick(seconds)
            world.change_task("ann", tasks[-1], status="completed")
        publish(lake, world.history, NOW)
        link = {"time": "lead", "from": "2026-05-01", "to": "2026-05-31"}
        for low, high, task in ((1, 2, tasks[0]), (2, 3, tasks[1])):
            answer = manager.get("/insights/tasks.csv", {**link, "low": low, "high": high})
            assert [row["task_id"] for row in read_csv(answer.content.decode())] == [task]

    def test_a_user_with_no_tasks_is_active_and_nothing_else(self, seen, world):
        world.create_user("idle")
        rows = seen(world)
        assert rows["top-users"] == []
        kpis = {(r["day"], r["metric"]): r["value"] for r in rows["kpis"]}
        assert kpis[NOW.date().isoformat(), "active_users"] == 1
        assert kpis[NOW.date().isoformat(), "completion_rate"] == 0  # of no tasks at all

    def test_more_people_than_the_table_shows_are_summed_up(self, seen, world):
        for n in range(14):
            for _ in range(n % 3 + 1):
                world.create_task(f"user-{n:02}", status="completed")
        rows = seen(world)["top-users"]
        assert [row["people"] for row in rows] == [1] * 10 + [4]

"""Every number on the page and in every CSV equals a brute-force pass over the table's full change history."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import parse_qsl

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights import behind, formats, pages, tiles, warehouse
from insights.boards import EVERYBODY, ME
from insights.exports import to_csv
from insights.filters import Filters, State
from insights.marks import mark_from
from insights.questions import BY_SLUG
from localcloud.accounts import ensure_client, pool_definition
from tests.etl.harness import NOW
from tests.etl.world import World, play
from tests.insights.histories import publish, recorded
from tests.insights.truth import Truth

pytestmark = pytest.mark.slow
CHOICES = (
    Filters(),
    Filters(category="work"),
    Filters(priority="urgent", status="completed"),
    Filters(user="ann"),
    Filters(category="(none)", status="pending"),
    Filters(user="nobody"),
)


def played(seed: int, steps: int = 60) -> World:
    world = World()
    play(world, Random(seed), steps)
    return world


def answered(state: State, board=EVERYBODY) -> tuple[dict, pages.Period]:
    """The rows of every question of the page, as the page gets them."""
    snapshot = warehouse.current_snapshot()
    assert snapshot
    keys = pages.page_keys(board, state, snapshot)
    rows = {key.slug: warehouse.run(key.sql, key.values).rows for key in keys}
    return rows, pages.period_of(state, snapshot)


def text(rows, columns):
    """Rows as their CSV says them."""
    return list(csv.DictReader(io.StringIO(to_csv(columns, rows))))


def assert_true(oracle, state: State) -> dict:
    """Compare every answer of the page, as its CSV has it; return the answers."""
    rows, period = answered(state)
    truth = Truth(oracle, period, state.chosen)
    for slug, wanted in truth.answers().items():
        columns = BY_SLUG[slug].columns
        assert text(rows[slug], columns) == text(wanted, columns), (slug, state)
    found = {(row["day"], row["metric"]): row["value"] for row in rows["kpis"]}
    wanted = truth.kpis()
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, rel=1e-12), (key, state)
    return rows


def marks_of(rows: dict, period: pages.Period) -> list[tuple[str, int]]:
    """Every number in the tables and tiles of the page that leads to tasks: its link and what it says."""
    cells = [
        cell
        for question in EVERYBODY.charts
        for line in question.draw(rows[question.slug], period).table.cells()
        for cell in line
        if cell.column.kind == "count"
    ]
    shown = [(cell.link, cell.text) for cell in cells]
    counted = [f.label for f in tiles.FIGURES if f.text is formats.count and f.own]
    shown += [(t.link, t.value) for t in tiles.tiles(rows["kpis"], period) if t.label in counted]
    return [(link, int(number.replace(",", ""))) for link, number in shown if link]


def assert_leads_to(link: str, number: int, state: State) -> None:
    mark = mark_from(dict(parse_qsl(link)))
    assert mark, link
    found = behind.behind(mark, state)
    assert found
    assert found.total == number, (link, state)


@pytest.fixture
def history(lake):
    """A believable stretch of history, with other people's scripts in it."""
    return publish(lake, played(11, 160).history, NOW)


def test_it_works(history):
    for filters in CHOICES:
        state = State(filters=filters)
        rows = assert_true(history, state)
        marks = marks_of(rows, answered_period(state))
        for link, number in Random(5).sample(marks, min(len(marks), 6)):
            assert_leads_to(link, number, state)
    assert_true(history, State(days=180))


def answered_period(state: State) -> pages.Period:
    snapshot = warehouse.current_snapshot()
    assert snapshot
    return pages.period_of(state, snapshot)


def test_a_persons_own_page(history):
    for person in ("ann", "drifter", "nobody"):
        rows, period = answered(State(person=person), ME)
        truth = Truth(history, period, Filters(user=person))
        assert rows["streaks"] == truth.streaks()
        assert rows["weeks"] == truth.weeks()
        assert rows["throughput"] == truth.throughput()
        assert {row["value"] for row in rows["choices"] if row["kind"] == "user"} <= {person}


def test_the_demo_workspace(lake, cognito, tmp_path, monkeypatch):
    """What ``load_demo`` writes, read back from the table's own stream."""
    pool = cognito.create_user_pool(**pool_definition())["UserPool"]["Id"]
    ensure_client(cognito, pool)
    monkeypatch.setattr(django_settings, "USER_POOL_ID", pool)
    monkeypatch.setenv("DEMO_PASSWORD", "Demo-horse-9")
    quiet = {"stdout": io.StringIO(), "workers": 2}
    call_command("load_demo", state=tmp_path / "demo.json", people=4, tasks=80, months=3, **quiet)
    users = [
        next(pair["Value"] for pair in user["Attributes"] if pair["Name"] == "sub")
        for user in cognito.list_users(UserPoolId=pool)["Users"]
    ]
    history = recorded(django_settings.TABLE_NAME, users)
    assert len(history) > 200
    oracle = publish(lake, history, datetime.now(UTC))
    rows = assert_true(oracle, State())
    assert_true(oracle, State(days=90, filters=Filters(user=users[0])))
    assert_true(oracle, State(filters=Filters(category=rows["categories"][0]["category"])))


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(0, 70),
    timezone=st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Chatham"]),
    filters=st.sampled_from(CHOICES),
)
def test_any_history(lake, settings, seed, steps, timezone, filters):
    settings.REPORTING_TIMEZONE = timezone
    assert_true(publish(lake, played(seed, steps).history, NOW, timezone), State(filters=filters))


class TestEdges:
    """Small histories in which one thing is odd."""

    @pytest.fixture
    def world(self):
        world = World()
        world.now = NOW - timedelta(days=20)
        return world

    def rows(self, lake, world, slug, state=State(), timezone="UTC"):  # noqa: B008
        return self.answers(lake, world, state, timezone)[slug]

    def answers(self, lake, world, state=State(), timezone="UTC"):  # noqa: B008
        return assert_true(publish(lake, world.history, NOW, timezone), state)

    def test_a_reopened_task_counts_twice_and_is_open(self, lake, world):
        task = world.create_task("ann")
        for status in ("completed", "pending", "completed", "pending"):
            world.tick(3600)
            world.change_task("ann", task, status=status)
        rows = self.answers(lake, world)
        assert sum(row["completed"] for row in rows["throughput"]) == 2
        assert sum(row["reopened"] for row in rows["throughput"]) == 2
        assert rows["lead-time"] == []

    def test_a_deleted_task_was_there_and_is_no_more(self, lake, world):
        task = world.create_task("ann", due_date="2026-05-15")
        world.tick(5 * 86400)
        world.delete_task("ann", task)
        rows = self.answers(lake, world)
        flow = [row["tasks"] for row in rows["cumulative-flow"] if row["status"] == "pending"]
        assert flow.count(1) == 5
        assert sum(row["tasks"] for row in rows["ageing"]) == 0

    def test_a_restored_task_is_not_created_again(self, lake, world):
        task = world.create_task("ann")
        world.tick(86400)
        world.delete_task("ann", task)
        world.tick(86400)
        world.restore_task("ann", task)
        assert sum(row["created"] for row in self.rows(lake, world, "throughput")) == 1

    @pytest.mark.parametrize(("timezone", "day"), [("UTC", "2026-05-20"), ("Asia/Kolkata", "2026-05-21")])
    def test_days_begin_in_the_reporting_timezone(self, lake, world, settings, timezone, day):
        settings.REPORTING_TIMEZONE = timezone
        world.now = NOW.replace(month=5, day=20, hour=23, minute=59)
        world.create_task("ann")
        rows = self.rows(lake, world, "throughput", timezone=timezone)
        assert [row["day"] for row in rows if row["created"]] == [day]

    def test_completed_before_started_has_no_cycle_time(self, lake, world):
        task = world.create_task("ann", status="completed")
        world.tick(60)
        world.change_task("ann", task, status="in_progress")
        world.tick(60)
        world.foreign_patch(
            "ann", task, status="completed", completed_at=(NOW - timedelta(days=20)).isoformat()
        )
        assert self.rows(lake, world, "cycle-time") == []

    def test_a_user_with_no_tasks_is_active_and_nothing_else(self, lake, world):
        world.create_user("idle")
        rows = self.answers(lake, world)
        assert rows["top-users"] == []
        kpis = {(r["day"], r["metric"]): r["value"] for r in rows["kpis"]}
        assert kpis[NOW.date().isoformat(), "active_users"] == 1
        assert kpis[NOW.date().isoformat(), "completion_rate"] == 0  # of no tasks at all

    def test_more_people_than_the_table_shows_are_summed_up(self, lake, world):
        for n in range(14):
            for _ in range(n % 3 + 1):
                world.create_task(f"user-{n:02}", status="completed")
        rows = self.rows(lake, world, "top-users")
        assert [row["people"] for row in rows] == [1] * 10 + [4]
        drawing = BY_SLUG["top-users"].draw(rows, answered_period(State()))
        _, *numbers = drawing.table.cells()[-1]
        assert_leads_to(numbers[0].link, rows[-1]["completed"], State())

"""``manage.py costs``: measured once in the table, then arithmetic."""

import io
import json

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.roles import OWNER
from todo_site.costs.measured import write_units
from todo_site.costs.model import EGRESS_GB, Habits, bill, tiers, unserved, volume


@pytest.fixture(scope="module")
def measurement(tmp_path_factory):
    path, out = tmp_path_factory.mktemp("costs") / "measured.json", io.StringIO()
    call_command("costs", save=path, stdout=out)
    return path, out.getvalue()


def run(measurement, **options):
    out = io.StringIO()
    call_command("costs", measured=measurement[0], stdout=out, **options)
    return out.getvalue()


def test_measures_calls_and_prints_a_month_for_each_size(measurement):
    path, said = measurement
    assert "| USD a month | 1,000 users | 100,000 users | 10,000,000 users |" in said
    found = json.loads(path.read_text())
    assert {name: found[name]["calls"] for name in ("create", "update", "delete", "read")} == {
        "create": 1,
        "update": 2,
        "delete": 2,
        "read": 1,
    }


def test_nothing_of_the_measurement_stays_in_the_table(measurement):
    client = OWNER.client("dynamodb")
    rows = client.scan(TableName=settings.TABLE_NAME)["Items"]
    assert not [row for row in rows if row["PK"]["S"].partition("#")[2].startswith("costs-")]


def test_a_saved_measurement_gives_the_same_table(measurement):
    assert run(measurement) == measurement[1]


def test_twice_the_writes_cost_more_in_dynamodb_and_nothing_more_in_cognito(measurement):
    from todo_site.costs.measured import from_json

    needs = from_json(measurement[0].read_text())
    usual, busy = (bill(1e5, habits, needs) for habits in (Habits(), Habits(updates=6)))
    assert busy["DynamoDB"] > usual["DynamoDB"]
    assert busy["Cognito"] == usual["Cognito"]


def test_a_removal_is_two_changes():
    month = volume(100, Habits(active=1, tasks=1, updates=3, deletes=1))
    assert month.changes == 100 * (1 + 3 + 2)


def test_a_longer_history_costs_more_to_ask(measurement):
    from todo_site.costs.measured import from_json

    needs = from_json(measurement[0].read_text())
    few, many = (bill(users, Habits(), needs)["Athena"] for users in (1e3, 1e7))
    year, decade = (bill(1e7, Habits(kept_months=months), needs)["Athena"] for months in (12, 120))
    assert few < 10
    assert many > 100 * few
    assert decade == pytest.approx(10 * year, rel=0.01)


@pytest.mark.parametrize(("amount", "price"), [(0, 0), (5, 10), (10, 20), (15, 25)])
def test_a_tier_is_filled_before_the_next(amount, price):
    assert tiers(amount, ((10, 2), (float("inf"), 1))) == price


KEYS = {"PK": {"S": "TASK#a"}, "SK": {"S": "TASK#1"}}
TASK = {**KEYS, "updated_at": {"S": "1"}, "title": {"S": "x"}}
LISTED = {"GSI1PK": {"S": "USER#a"}, "GSI1SK": {"S": "STATUS#pending#1"}}


@pytest.mark.parametrize(
    ("old", "new", "units"),
    [
        ({}, KEYS, 1),
        ({}, TASK, 2),
        ({}, TASK | LISTED, 3),
        (TASK | LISTED, {}, 3),
        (TASK, TASK, 1),
        (TASK | LISTED, TASK | LISTED | {"title": {"S": "y"}}, 3),
        (TASK | LISTED, TASK | LISTED | {"updated_at": {"S": "2"}}, 4),
        (TASK | LISTED, TASK | LISTED | {"GSI1SK": {"S": "STATUS#completed#1"}}, 4),
        (TASK | LISTED, TASK, 3),
        ({}, TASK | LISTED | {"title": {"S": "x" * 1024}}, 6),
    ],
)
def test_an_index_whose_key_changes_is_written_twice(old, new, units):
    """By DynamoDB's rules for global and local indexes."""
    assert write_units(old, new) == units


def test_a_change_of_status_rewrites_every_index_of_a_task(measurement):
    """The table, LSI1 (by time) and GSI1 (by status) twice, each other index once: nine entries of two units."""
    found = json.loads(measurement[0].read_text())
    assert found["update"]["write_units"] == 18
    assert found["create"]["write_units"] == 2 * (7 * 2 + 3 * 2), "task and reply, in one transaction"


def test_egress_is_free_up_to_a_terabyte_and_static_files_count(measurement):
    from todo_site.costs.measured import from_json

    needs = from_json(measurement[0].read_text())
    assert tiers(1000, EGRESS_GB) == 0
    assert tiers(1100, EGRESS_GB) == pytest.approx(8.5)
    assert bill(1e3, Habits(), needs)["CloudFront"] == 0
    few, many = (bill(1e7, Habits(visits=visits), needs)["CloudFront"] for visits in (0, 20))
    assert many > few > 100


def test_what_a_deployment_cannot_serve_is_said(measurement):
    assert unserved(1_000, Habits()) == []
    assert len(unserved(100_000, Habits())) == 1
    assert len(unserved(10_000_000, Habits())) == 3
    said = run(measurement)
    assert "10,000,000 users: A question of the dashboard reads" in said
    assert "1,000 users: " not in said.replace("10,000,000 users: ", "")

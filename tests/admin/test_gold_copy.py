"""Orders and totals that would read too much of the table come from Gold, which says as of when."""

import json
import os
import re
import time
import uuid
from datetime import UTC, datetime

import pytest

from dynamo_admin import query
from dynamo_admin.reading import Question
from etl.capture.bronze_row import bronze_row
from etl.lake.config import lake_config
from etl.run import local_lake
from tasks import services
from tasks.admin.gold_copy import GoldCopy
from tasks.admin.models import Task
from tests.roles import LAKE, OWNER
from web import athena

LIST = "tasks/task/"


def titles(page):
    return re.findall(r"field-title[^>]*><a [^>]*>([^<]*)</a>", page)


def deliver(task):
    """Send the task as it is to Bronze."""
    raw, now = task.serialize(), datetime.now(UTC)
    record = {
        "eventID": uuid.uuid4().hex,
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": {"PK": raw["PK"], "SK": raw["SK"]},
            "NewImage": raw,
            "SequenceNumber": str(now.timestamp()).replace(".", ""),
            "ApproximateCreationDateTime": now.timestamp(),
        },
    }
    line = json.dumps(bronze_row(record)).encode() + b"\n"
    OWNER.client("firehose").put_record_batch(
        DeliveryStreamName=os.environ["CDC_STREAM"], Records=[{"Data": line}]
    )


@pytest.fixture
def gold(add, alice, tmp_path):
    """Alice's tasks, in the table and in Gold."""
    names = ("banana", "Apple", "cherry", "Damson", "elder", "Fig")
    made = [
        add(
            name,
            category="Fruit" if number % 2 else "Work",
            due_date=f"2026-12-{number + 1:02}" if number else None,
        )
        for number, name in enumerate(names)
    ]
    for task in made:
        deliver(task)
    lake = local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path)
    for _ in range(100):
        lake.run()
        found = GoldCopy().count(Question((("user_id", "exact", alice.id),)))
        if found and found[0] == len(made):
            return made
        time.sleep(0.2)
    raise AssertionError("Gold did not get the tasks")


def test_what_cannot_be_sorted_in_the_table_is_sorted_by_gold(root, gold, alice, ctx, monkeypatch):
    monkeypatch.setattr(query, "READ_BUDGET", 4)
    monkeypatch.setattr("tasks.admin.model_admins.TaskAdmin.list_per_page", 4)
    own = f"{LIST}?user_id__exact={alice.id}"
    page = root.page(f"{own}&o=1")
    assert titles(page) == ["Apple", "banana", "cherry", "Damson"]
    assert re.search(r"Sorted as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page)
    assert "sorted ascending" in page
    following = re.search(r'<a href="(\?[^"]*)" rel="next">', page)[1].replace("&amp;", "&")
    assert titles(root.page(f"{LIST}{following}")) == ["elder", "Fig"]
    assert titles(root.page(f"{own}&o=-1"))[:2] == ["Fig", "elder"]
    assert titles(root.page(f"{own}&o=6"))[:2] == [
        "banana",
        "Apple",
    ]  # the one without a due date comes first
    fruit = root.page(f"{own}&category__iexact=FRUIT&o=-6")
    assert titles(fruit) == ["Fig", "Damson", "Apple"]
    services.update_task(ctx(alice), gold[1].id, {"title": "Apples"})
    services.delete_task(ctx(alice), gold[0].id)
    assert titles(root.page(f"{own}&o=1")) == ["Apples", "cherry", "Damson"]  # as they are now


def test_a_list_that_goes_on_is_counted_on_demand(root, gold, alice, monkeypatch):
    own = f"{LIST}?user_id__exact={alice.id}"
    assert "Count all" not in root.page(own)  # it ends on this page
    monkeypatch.setattr("tasks.admin.model_admins.TaskAdmin.list_per_page", 4)
    assert "Count all" in root.page(own)
    assert re.search(r"6 in all, as of \d{4}-\d\d-\d\d", root.page(f"{own}&count=1"))


def test_without_gold_the_newest_come_first_and_nothing_is_marked(root, add, alice, monkeypatch):
    def fail(*_args, **_kwargs):
        raise athena.AthenaError("not today")

    monkeypatch.setattr(athena, "current_snapshot", fail)
    monkeypatch.setattr(query, "READ_BUDGET", 2)
    for name in ("b", "a", "c"):
        add(name)
    page = root.page(f"{LIST}?user_id__exact={alice.id}&o=1")
    assert "Sorting would need more than 2 tasks" in page
    assert "sorted ascending" not in page


def test_what_gold_does_not_have_is_not_asked_of_it():
    for conditions in ({"description__icontains": "x"}, {"request_id": "r"}, {"status__in": ["a"]}):
        question = Task.objects.filter(**conditions).question()
        assert GoldCopy().count(question) is None
    assert Task.objects.exclude(status="pending").question() is None

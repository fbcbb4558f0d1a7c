"""No page of the admin scans the table, and none reads more because there is more."""

import re
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import override_settings

from dynamo_admin import query
from store.model import table
from store.request_context import RequestContext
from tasks import write_plans
from tasks.admin.models import Task
from web import athena

LIST = "tasks/task/"
PAGES = (
    *("", LIST, "tasks/user/", "tasks/session/", "tasks/accesstoken/", "tasks/idempotencyrecord/"),
    *(
        "tasks/auditentry/",
        "tasks/trashedtask/",
        f"{LIST}?q=zzz",
        f"{LIST}?status__exact=cancelled",
        f"{LIST}?o=1",
    ),
)


@pytest.fixture
def sent():
    """Every request to DynamoDB through the table's client: (operation, arguments)."""
    seen = []
    events = table().client.meta.events

    def note(params, model, **_):
        seen.append((model.name, params))

    events.register("before-parameter-build.dynamodb", note)
    yield seen
    events.unregister("before-parameter-build.dynamodb", note)


def read(page: str) -> tuple[int, int]:
    """Return the requests and items that the page says it cost."""
    requests, items = re.search(r"(\d+) requests, (\d+) items read", page).groups()
    return int(requests), int(items)


def test_a_list_reads_few_items(root, add):
    for number in range(12):
        add(f"Task {number}")
    with override_settings(DEBUG=True):
        requests, items = read(root.page(LIST))
    assert 8 <= requests <= 16
    assert items <= 130


def test_not_shown_outside_debug(root):
    assert "items read" not in root.page(LIST)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_scans(root, add, sent, path):
    add("Pay rent")
    root.page(path)
    assert {operation for operation, _ in sent} <= {
        "GetItem",
        "Query",
        "PutItem",
        "BatchGetItem",
        "UpdateItem",
    }


def test_a_search_stops_at_its_budget_and_goes_on(root, add, monkeypatch):
    """A page that finds nothing says how far it looked, and where to go on."""
    monkeypatch.setattr(query, "READ_BUDGET", 10)
    for number in range(25):
        add(f"Task {number}")
    page = root.page(f"{LIST}?q=nowhere-to-be-found")
    assert "were looked at for this page" in page
    assert "Look further" in page


def test_sorting_too_much_says_so(root, add, monkeypatch):
    monkeypatch.setattr(athena, "current_snapshot", lambda: None)  # with Gold published, Gold would sort
    monkeypatch.setattr(query, "READ_BUDGET", 10)
    for number in range(15):
        add(f"Task {number}")
    page = root.page(f"{LIST}?o=1")
    assert "Sorting would need more than 10 tasks to be read" in page
    assert "Task 14" in page


def test_a_period_is_a_range_not_a_filter(root, add, sent):
    """The days asked for are part of the key condition: what is outside them is not read."""
    add("Pay rent")
    sent.clear()
    root.page(
        f"{LIST}?created_at__gte=2020-01-01+00:00:00%2B00:00&created_at__lt=2020-01-02+00:00:00%2B00:00"
    )
    queries = [
        arguments
        for operation, arguments in sent
        if operation == "Query" and arguments["IndexName"] == "GSI5"
    ]
    values = [value["S"] for value in queries[0]["ExpressionAttributeValues"].values()]
    assert any(value.startswith("2020-01-01T") for value in values)
    assert any(value.startswith("2020-01-02T") for value in values)


def test_the_narrowest_path_is_taken(alice):
    def path(**conditions):
        criteria = Task.objects.filter(**conditions).criteria()
        return Task.reader._path(criteria)

    assert path().hash_key == "FEED#TASK#{shard}"
    assert path(user_id="u").hash_key == "TASK#{user_id}"
    assert path(user_id="u", status="pending").index == "gsi1"
    assert path(user_id="u", category="c").hash_key == "TASK#{user_id}"


def load(owner, number: int) -> None:
    """Give somebody tasks, straight into the table."""
    context = RequestContext(owner.id, owner.id, "load", datetime.now(UTC))
    tasks = [write_plans.create_task(context, {"title": f"Task {n}"}).result for n in range(number)]
    requests = [{"PutRequest": {"Item": task.serialize()}} for task in tasks]
    for start in range(0, number, 25):
        name = settings.TABLE_NAME
        table().client.batch_write_item(RequestItems={name: requests[start : start + 25]})


# Requests and items at the most, for a page of 25 out of 8 shards, or of 60 items read.
BOUNDS = {
    "": (17, 130),
    "&status__exact=cancelled": (40, 200),
    "&q=no-such-words": (40, 200),
    "&o=1": (60, 260),
    "&user_id__exact={owner}": (2, 27),
    "&user_id__exact={owner}&status__exact=pending": (2, 27),
}


def test_lists_cost_the_same_when_there_is_three_times_as_much(root, alice, monkeypatch):
    monkeypatch.setattr(query, "READ_BUDGET", 60)
    for _ in range(2):
        load(alice, 100)
        for question, (most_requests, most_items) in BOUNDS.items():
            with override_settings(DEBUG=True):
                requests, items = read(root.page(f"{LIST}?{question.format(owner=alice.id)[1:]}"))
            assert (requests <= most_requests, items <= most_items) == (True, True), (
                question,
                requests,
                items,
            )
        load(alice, 100)

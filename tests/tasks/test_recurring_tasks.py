"""Recurring tasks: rules, and the next occurrence"""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import batch, selectors, services
from tasks.recurrence import Start, following, parse

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def noon(day):
    return datetime.combine(day, time(12), UTC)


def update_in_a_batch(context, task_id, changes):
    (outcome,) = batch.run(context, [batch.Operation("update", task_id, changes)]).outcomes
    assert outcome.error is None


@pytest.fixture
def task(ctx, alice):
    given = {
        "title": "Water the plants",
        "due_date": "2026-03-02",
        "due_time": "08:00",
        "recurrence": "FREQ=WEEKLY",
        "category": "home",
        "checklist": [{"text": "ferns", "done": True}],
    }
    return services.create_task(ctx(alice, NOW), given).task


def test_completing_creates_the_next_occurrence(ctx, alice, task, calls):
    services.update_task(ctx(alice, LATER), task.id, {"status": "completed"})

    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    following, done = selectors.list_tasks(alice.id).items
    assert (done.status, done.next_task_id) == ("completed", following.id)
    assert (following.status, following.due_date, following.due_time) == ("pending", "2026-03-09", "08:00")
    assert (following.title, following.category, following.version) == (task.title, "home", 1)
    assert following.recurrence == "FREQ=WEEKLY"
    assert [entry["done"] for entry in following.checklist] == [False]


def test_once_however_often_it_is_completed(ctx, alice, task):
    for status in ("completed", "pending", "completed", "in_progress", "completed"):
        services.update_task(ctx(alice, LATER), task.id, {"status": status})
    assert len(selectors.list_tasks(alice.id).items) == 2


@pytest.mark.parametrize("again", [LATER, LATER + timedelta(days=1)], ids=["at the same instant", "later"])
@pytest.mark.parametrize("change", [services.update_task, update_in_a_batch], ids=["alone", "in a batch"])
def test_an_occurrence_that_comes_back_from_the_trash_has_left_the_series(ctx, alice, task, again, change):
    first = services.update_task(ctx(alice, LATER), task.id, {"status": "completed"}).task.next_task_id
    reopened = services.update_task(ctx(alice, LATER), task.id, {"status": "pending"}).task
    assert reopened.next_task_id is None
    assert services.restore_task(ctx(alice, LATER), first).task.recurrence is None
    change(ctx(alice, again), task.id, {"status": "completed"})
    second = selectors.get_task(alice.id, task.id).next_task_id
    tasks = {
        found.id: (found.status, bool(found.recurrence)) for found in selectors.list_tasks(alice.id).items
    }
    assert tasks == {task.id: ("completed", True), first: ("pending", False), second: ("pending", True)}


def test_an_occurrence_that_stays_in_the_trash_is_replaced(ctx, alice, task, calls):
    first = services.update_task(ctx(alice, LATER), task.id, {"status": "completed"}).task.next_task_id
    services.update_task(ctx(alice, LATER), task.id, {"status": "pending"})
    calls.clear()
    later = LATER + timedelta(minutes=1)
    second = services.update_task(ctx(alice, later), task.id, {"status": "completed"}).task.next_task_id
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    assert second != first
    assert {found.id for found in selectors.list_tasks(alice.id).items} == {task.id, second}


def test_reopening_costs_three_calls(ctx, alice, task, calls):
    services.update_task(ctx(alice, LATER), task.id, {"status": "completed"})
    calls.clear()
    services.update_task(ctx(alice, LATER), task.id, {"status": "pending"})
    assert calls.names == ["BatchGetItem", "GetItem", "TransactWriteItems"]


def test_the_next_one_goes_on(ctx, alice, task):
    services.update_task(ctx(alice, LATER), task.id, {"status": "completed"})
    following = selectors.list_tasks(alice.id).items[0]
    services.update_task(ctx(alice, NOW + timedelta(days=7)), following.id, {"status": "completed"})
    assert selectors.list_tasks(alice.id).items[0].due_date == "2026-03-16"


def test_without_a_due_date_it_counts_from_today(ctx, alice):
    task = services.create_task(ctx(alice, NOW), {"title": "x", "recurrence": "FREQ=DAILY"}).task
    services.update_task(ctx(alice, LATER), task.id, {"status": "completed"})
    assert selectors.list_tasks(alice.id).items[0].due_date == "2026-03-03"


def test_the_last_one_has_no_next(ctx, alice):
    given = {"title": "x", "due_date": "2026-03-02", "recurrence": "FREQ=DAILY;COUNT=2"}
    task = services.create_task(ctx(alice, NOW), given).task
    services.update_task(ctx(alice, LATER), task.id, {"status": "completed"})
    last = selectors.list_tasks(alice.id).items[0]
    assert last.recurrence == "FREQ=DAILY;COUNT=1"
    services.update_task(ctx(alice, LATER), last.id, {"status": "completed"})
    assert len(selectors.list_tasks(alice.id).items) == 2


@pytest.mark.parametrize(
    ("rule", "due", "today", "expected"),
    [
        ("FREQ=DAILY", "2026-03-02", "2026-03-02", "2026-03-03"),
        ("FREQ=DAILY", "2026-03-02", "2026-03-20", "2026-03-20"),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "2026-03-02", "2026-03-01", "2026-03-05"),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-03-02", "2026-03-03", "2026-03-16"),
        ("FREQ=MONTHLY", "2026-01-31", "2026-01-31", "2026-03-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", "2026-01-31", "2026-02-28"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-30", "2026-01-30", "2026-02-27"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2024-02-29", "2024-02-29", "2028-02-29"),
        ("FREQ=DAILY;UNTIL=20260303", "2026-03-03", "2026-03-03", None),
        ("FREQ=DAILY;BYMONTH=1", "2026-01-31", "2026-02-03", "2027-01-01"),
        ("FREQ=DAILY", "9999-12-31", "2026-03-03", None),
    ],
)
def test_the_next_day(rule, due, today, expected):
    found = following(parse(rule), Start(date.fromisoformat(due)), noon(date.fromisoformat(today)))
    assert (found and found[0].isoformat()) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every day",
        "FREQ=SECONDLY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=2;UNTIL=20300101",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY\nRRULE:FREQ=WEEKLY",
    ],
)
def test_unusable_rules(rule):
    with pytest.raises(ValueError, match=r"\w"):
        parse(rule)


@given(
    st.sampled_from(
        ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=MONTHLY", "FREQ=DAILY;INTERVAL=3;COUNT=5"]
    ),
    st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    st.integers(-400, 400),
)
@settings(max_examples=50, deadline=None)
def test_the_next_day_is_later_and_never_missed_already(rule, due, offset):
    today = due + timedelta(days=offset)
    found = following(rule, Start(due), noon(today))
    assert found is None or (found[0] > due and found[0] >= today)

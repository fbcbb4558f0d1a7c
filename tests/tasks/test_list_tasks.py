"""selectors.list_tasks"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.errors import InvalidCursor
from tasks import selectors, services
from tasks.task_filters import TaskFilters

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CATEGORIES = (None, "work", "work#b", "100%")


@pytest.fixture
def tasks(ctx, alice, bob):
    """Twelve tasks of Alice's, the oldest first, and one of Bob's."""
    services.create_task(ctx(bob, NOW), {"title": "Bob's", "status": "pending", "category": "work"})
    made = []
    for number in range(12):
        fields = {
            "title": f"Task {number}",
            "status": ("pending", "completed", "in_progress")[number % 3],
            "priority": ("low", "high")[number % 2],
            "category": CATEGORIES[number % 4],
            "tags": ["even"] if number % 2 == 0 else None,
            "due_date": f"2026-03-{number + 1:02}",
        }
        made.append(services.create_task(ctx(alice, NOW + timedelta(seconds=number)), fields).task)
    return made


def walk(user_id, limit, **filters):
    """Return the titles of every page, and how many pages there were."""
    titles, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = selectors.list_tasks(user_id, filters=TaskFilters(**filters), limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        titles += [task.title for task in page.items]
        cursor, pages = page.next_cursor, pages + 1
    return titles, pages


def test_lists_a_page_newest_first_with_one_query(alice, tasks, calls):
    page = selectors.list_tasks(alice.id)
    assert calls.names == ["Query"]
    assert [task.title for task in page.items] == [f"Task {number}" for number in reversed(range(12))]
    assert page.next_cursor is None
    assert page.items[0].attribute_values == tasks[-1].attribute_values


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"status": "pending"}, lambda n: n % 3 == 0),
        ({"priority": "high"}, lambda n: n % 2 == 1),
        ({"category": "work"}, lambda n: n % 4 == 1),
        ({"category": "100%"}, lambda n: n % 4 == 3),
        ({"tag": "even"}, lambda n: n % 2 == 0),
        ({"q": "task 1"}, lambda n: n in {1, 10, 11}),
        ({"q": "WORK"}, lambda n: n % 4 in {1, 2}),
        ({"status": "pending", "priority": "low"}, lambda n: n % 6 == 0),
        ({"status": "completed", "category": "work", "tag": "even"}, lambda n: False),
    ],
)
@pytest.mark.parametrize("limit", [1, 5, 100])
def test_filters(alice, tasks, calls, filters, wanted, limit):
    calls.clear()
    titles, pages = walk(alice.id, limit, **filters)
    assert titles == [f"Task {number}" for number in reversed(range(12)) if wanted(number)]
    assert calls.total() == pages


def test_by_due_date_the_earliest_first_and_only_open_ones(alice, tasks):
    titles, _ = walk(alice.id, 2, due_after="2026-03-02", due_before="2026-03-08")
    assert titles == ["Task 2", "Task 3", "Task 5", "Task 6"]
    assert walk(alice.id, 5, due_after="2026-03-08", due_before="2026-03-02")[0] == []


def test_no_empty_last_page(alice, tasks):
    assert walk(alice.id, 4) == ([f"Task {number}" for number in reversed(range(12))], 3)


def test_a_cursor_is_good_for_its_own_list_only(alice, bob, tasks):
    cursor = selectors.list_tasks(alice.id, limit=2).next_cursor
    with pytest.raises(InvalidCursor):
        selectors.list_tasks(bob.id, cursor=cursor)
    with pytest.raises(InvalidCursor):
        selectors.list_tasks(alice.id, filters=TaskFilters(status="pending"), cursor=cursor)


@given(limit=st.integers(1, 13), status=st.sampled_from([None, "pending", "completed"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_of_any_size_make_up_the_list(alice, tasks, limit, status):
    assert walk(alice.id, limit, status=status)[0] == walk(alice.id, 100, status=status)[0]

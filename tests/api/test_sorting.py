"""Sorts and filters of GET /api/v1/tasks, all together, against plain Python; and what a page may cost"""

import itertools
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.api.client import TASKS, assert_problem
from tests.api.model import SORTS, listed, today
from tests.api.test_list_tasks import following, walk


def day(offset):
    return (today() + timedelta(days=offset)).isoformat()


@pytest.fixture
def tasks(as_alice):
    """Twenty-four tasks in every state, the oldest first, as the API shows them."""
    made = [
        as_alice.create(
            title=f"Task {number}",
            status=("pending", "completed", "in_progress", "cancelled")[number % 4],
            priority=("low", "medium", "high", "urgent")[number // 2 % 4],
            category=(None, "home", "work")[number % 3],
            tags=["x"] if number % 5 == 0 else [],
            due_date=day(number % 7 - 3) if number % 6 else None,
            description="needle" if number % 3 == 1 else None,
        )
        for number in range(24)
    ]
    for number in (3, 17):
        path = f"{TASKS}/{made[number]['id']}"
        made[number] = as_alice("PATCH", path, {"title": f"Changed {number}"}).json()
    return made


FILTERS = [
    {},
    {"status": "pending"},
    {"priority": "low"},
    {"category": "home"},
    {"tag": "x"},
    {"q": "NEEDLE"},
    {"due_after": day(-2)},
    {"due_before": day(1)},
    {"overdue": "true"},
    {"overdue": "false"},
    {"due_after": day(-2), "due_before": day(2), "priority": "medium"},
    {"status": "in_progress", "category": "work", "q": "task"},
    {"status": "completed", "due_before": day(9)},
    {"overdue": "false", "due_before": day(2), "tag": "x"},
]


def test_a_sorted_and_filtered_walk_equals_plain_python(as_alice, tasks):
    titles, _ = walk(as_alice, f"{TASKS}?sort=-priority&status=pending&limit=3")
    assert titles == [t["title"] for t in listed(tasks, {"status": "pending", "sort": "-priority"})]


@pytest.mark.parametrize(("limit", "step"), [(100, 1), (3, 4)])
def test_every_filter_in_every_order(as_alice, tasks, calls, limit, step):
    for filters, sort in list(itertools.product(FILTERS, (None, *SORTS)))[::step]:
        query = filters | ({"sort": sort} if sort else {})
        calls.clear()
        titles, pages = walk(as_alice, f"{TASKS}?{urlencode(query | {'limit': limit})}")
        assert titles == [task["title"] for task in listed(tasks, query)], query
        most = 4 if sort and "priority" in sort else 2 if sort and "due" in sort else 1
        # "Overdue" depends on the zone in the person's profile, which is read once a page.
        most += "overdue" in filters
        assert calls.total() <= most * pages, query


def test_a_page_reads_a_bounded_part(as_alice, monkeypatch, calls):
    """A filter that no index serves gives up filling a page, and goes on with the next one."""
    monkeypatch.setattr("store.ranges.SIFTED", 3)
    monkeypatch.setattr("store.ranges.MAX_READS", 2)
    for number in range(20):
        as_alice.create(title=f"Task {number}", tags=["rare"] if number == 1 else [])
    path, titles = f"{TASKS}?tag=rare&limit=1", []
    while path:
        calls.clear()
        answer = as_alice("GET", path)
        assert calls["Query"] <= 2
        titles += [task["title"] for task in answer.json()]
        path = following(answer)
    assert titles == ["Task 1"]


@pytest.mark.parametrize("sort", ["created", "-created", "due", "-due", "priority", "-priority"])
@pytest.mark.parametrize("query", ["", "&status=pending", "&category=home"])
def test_pages_survive_inserts_and_deletes(as_alice, sort, query):
    """Nothing twice, and nothing skipped that was there throughout, although its neighbours come and go."""
    made = [
        as_alice.create(
            title=f"{number}", category="home", priority=("low", "high")[number % 2], due_date=day(number % 3)
        )
        for number in range(9)
    ]
    path, seen, gone = f"{TASKS}?limit=2&sort={sort}{query}", [], set()
    while path:
        answer = as_alice("GET", path)
        seen += [task["id"] for task in answer.json()]
        path = following(answer)
        if len(seen) < 8:
            as_alice.create(title="new", category="home", due_date=day(1))
        left = [task["id"] for task in made if task["id"] not in gone]
        # The item that the cursor stands on, and one that is still to come.
        for task_id in {seen[-1], *left[:1]} & set(left):
            as_alice("DELETE", f"{TASKS}/{task_id}")
            gone.add(task_id)
    assert len(seen) == len(set(seen))
    assert {task["id"] for task in made} - gone <= set(seen)


def test_a_cursor_of_another_order_is_refused(as_alice, tasks):
    path = following(as_alice("GET", f"{TASKS}?limit=1&sort=due"))
    assert_problem(as_alice("GET", path.replace("sort=due", "sort=-due")), 422)


@pytest.mark.parametrize(
    "query", ["sort=title", "sort=", "sort=due&sort=created", "overdue=1", "due_before=x"]
)
def test_bad_queries(as_alice, query):
    assert_problem(as_alice("GET", f"{TASKS}?{query}"), 422, fields={query.partition("=")[0]})

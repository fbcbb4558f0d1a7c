"""GET /api/v1/tasks"""

import pytest

from tests.api.client import TASKS, assert_problem


def following(answer):
    """Return the next page's address from the Link header, as clients do, or None."""
    link = answer.get("Link", "")
    return link[1 : link.index(">")] if link.endswith('; rel="next"') else None


def walk(api, path):
    titles, pages = [], 0
    while path:
        answer = api("GET", path)
        assert answer.status_code == 200, answer.content
        titles += [task["title"] for task in answer.json()]
        path, pages = following(answer), pages + 1
    return titles, pages


def test_lists_only_ones_own_tasks_newest_first(as_alice, as_bob, calls):
    as_bob.create()
    tasks = [as_alice.create(title=f"Task {number}") for number in range(3)]
    calls.clear()
    answer = as_alice("GET", TASKS)
    assert calls.names == ["Query"]
    assert answer.json() == tasks[::-1]
    assert "Link" not in answer


def test_empty(as_alice):
    assert as_alice("GET", TASKS).json() == []


def test_pages(as_alice):
    for number in range(5):
        as_alice.create(title=f"Task {number}", status="completed" if number % 2 else "pending")
    assert walk(as_alice, f"{TASKS}?limit=2") == ([f"Task {number}" for number in (4, 3, 2, 1, 0)], 3)
    assert walk(as_alice, f"{TASKS}?limit=1&status=completed") == (["Task 3", "Task 1"], 2)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("status=completed", ["B"]),
        ("priority=urgent", ["C", "B"]),
        ("category=R%26D+%231", ["C"]),
        ("tag=x", ["A"]),
        ("q=aLpHa", ["A"]),
        ("priority=urgent&status=pending", ["C"]),
    ],
)
def test_filters(as_alice, query, titles):
    as_alice.create(title="A", tags=["x"], description="The alphabet")
    as_alice.create(title="B", status="completed", priority="urgent")
    as_alice.create(title="C", priority="urgent", category="R&D #1")
    assert walk(as_alice, f"{TASKS}?{query}&limit=1")[0] == titles


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=abc", "limit"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("status=done", "status"),
        ("priority=1", "priority"),
        ("category=", "category"),
        ("colour=red", "colour"),
        ("q=" + "x" * 201, "q"),
    ],
)
def test_bad_queries_name_the_parameter(as_alice, query, field):
    assert_problem(as_alice("GET", f"{TASKS}?{query}"), 422, fields={field})


@pytest.mark.parametrize("cursor", ["x", "%00", "💥", "a" * 5000, "e30"])
def test_bad_cursors(as_alice, cursor):
    assert_problem(as_alice("GET", f"{TASKS}?cursor={cursor}"), 422)


def test_somebody_elses_cursor(as_alice, as_bob):
    for _ in range(2):
        as_alice.create()
    assert_problem(as_bob("GET", following(as_alice("GET", f"{TASKS}?limit=1"))), 422)

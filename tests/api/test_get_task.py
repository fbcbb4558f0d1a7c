"""GET /api/v1/tasks/{task_id}"""

import pytest

from tests.api.client import TASKS, assert_problem


def test_returns_the_task_with_its_etag_in_one_call(as_alice, calls):
    task = as_alice.create(description="Grüße ✓")
    calls.clear()
    answer = as_alice("GET", f"{TASKS}/{task['id']}")
    assert calls.names == ["GetItem"]
    assert (answer.status_code, answer.json(), answer["ETag"]) == (200, task, '"1"')
    assert answer["Cache-Control"] == "private, no-cache"


def test_somebody_elses_is_not_found(as_alice, as_bob):
    task = as_alice.create()
    assert_problem(as_bob("GET", f"{TASKS}/{task['id']}"), 404)


@pytest.mark.parametrize(
    "task_id", ["nope", "%00", "a" * 2000, "01A2046A-B94B-70C0-830E-CC1A2B44FB06", "%ED%A0%80"]
)
def test_impossible_ids(as_alice, calls, task_id):
    assert_problem(as_alice("GET", f"{TASKS}/{task_id}"), 404)
    assert not calls

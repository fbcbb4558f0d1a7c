"""DELETE /api/v1/tasks/{task_id}"""

from tests.api.client import TASKS, assert_problem


def test_a_deleted_task_is_not_found_any_more(as_alice, calls):
    task = as_alice.create()
    calls.clear()
    answer = as_alice("DELETE", f"{TASKS}/{task['id']}")
    assert calls.names == ["GetItem", "TransactWriteItems"]
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(as_alice("GET", f"{TASKS}/{task['id']}"), 404)
    assert_problem(as_alice("DELETE", f"{TASKS}/{task['id']}"), 404)
    assert as_alice("GET", TASKS).json() == []


def test_idempotency_key(as_alice, calls):
    path = f"{TASKS}/{as_alice.create()['id']}"
    calls.clear()
    as_alice("DELETE", path, Idempotency_Key="k")
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    again = as_alice("DELETE", path, Idempotency_Key="k")
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (204, b"", "true")


def test_if_match(as_alice):
    path = f"{TASKS}/{as_alice.create()['id']}"
    assert_problem(as_alice("DELETE", path, If_Match='"2"'), 412)
    assert as_alice("DELETE", path, If_Match='"1"').status_code == 204


def test_somebody_elses_is_not_found(as_alice, as_bob):
    path = f"{TASKS}/{as_alice.create()['id']}"
    assert_problem(as_bob("DELETE", path), 404)
    assert as_alice("GET", path).status_code == 200

"""PUT and PATCH /api/v1/tasks/{task_id}"""

from datetime import datetime, timedelta

import pytest

from tests.api.client import TASKS, assert_problem

METHODS = pytest.mark.parametrize("method", ["PUT", "PATCH"])


@METHODS
def test_changes_only_the_given_fields(as_alice, calls, method):
    task = as_alice.create(category="home", due_date="2030-01-01")
    calls.clear()
    answer = as_alice(method, f"{TASKS}/{task['id']}", {"title": "New", "due_date": None})

    assert calls.names == ["GetItem", "UpdateItem"]
    assert answer.status_code == 200
    changed = answer.json()
    assert changed == task | {
        "title": "New",
        "due_date": None,
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > task["updated_at"]
    assert answer["ETag"] == '"2"'


def test_completing_and_reopening(as_alice):
    task = as_alice.create()
    done = as_alice("PUT", f"{TASKS}/{task['id']}", {"status": "completed"}).json()
    assert done["completed_at"] == done["updated_at"]
    assert as_alice("PUT", f"{TASKS}/{task['id']}", {"status": "pending"}).json()["completed_at"] is None


@METHODS
def test_idempotency_key(as_alice, calls, method):
    task = as_alice.create()
    path = f"{TASKS}/{task['id']}"
    calls.clear()
    first = as_alice(method, path, {"title": "1"}, Idempotency_Key="k")
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    as_alice(method, path, {"title": "2"})
    calls.clear()
    again = as_alice(method, path, {"title": "1"}, Idempotency_Key="k")
    assert calls.names == ["BatchGetItem"]
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert_problem(as_alice(method, path, {"title": "3"}, Idempotency_Key="k"), 422)


def test_a_key_belongs_to_one_request(as_alice):
    one, other = as_alice.create(), as_alice.create()
    as_alice("PUT", f"{TASKS}/{one['id']}", {"title": "x"}, Idempotency_Key="k")
    assert_problem(as_alice("PUT", f"{TASKS}/{other['id']}", {"title": "x"}, Idempotency_Key="k"), 422)
    assert_problem(as_alice("PATCH", f"{TASKS}/{one['id']}", {"title": "x"}, Idempotency_Key="k"), 422)


def test_if_match(as_alice):
    task = as_alice.create()
    path = f"{TASKS}/{task['id']}"
    assert as_alice("PATCH", path, {"title": "2"}, If_Match='"1"').status_code == 200
    assert_problem(as_alice("PATCH", path, {"title": "3"}, If_Match='"1"'), 412)
    assert as_alice("PATCH", path, {"title": "3"}, If_Match="*").status_code == 200
    assert_problem(as_alice("PATCH", path, {"title": "4"}, If_Match="three"), 400)
    for tag in ('"three"', 'W/"3"', '"1", "2"', '""'):
        assert_problem(as_alice("PATCH", path, {"title": "4"}, If_Match=tag), 412)
    assert as_alice("PATCH", path, {"title": "4"}, If_Match='"2", "3"').status_code == 200


@METHODS
def test_a_whole_task_can_be_sent_back(as_alice, calls, method):
    task = as_alice.create(category="home", tags=["a"], checklist=[{"text": "x"}], due_date="2030-01-01")
    path = f"{TASKS}/{task['id']}"
    calls.clear()
    assert as_alice(method, path, task).json() == task
    assert calls.names == ["GetItem"]  # nothing to write
    later = datetime.fromisoformat(task["updated_at"]) + timedelta(milliseconds=1)
    for form in ("2026-01-01T00:00:00Z", later.isoformat(), "x", None):
        assert_problem(as_alice(method, path, {"updated_at": form}), 412)
    written = {name: task[name].replace("Z", "+00:00") for name in ("created_at", "updated_at")}
    assert as_alice(method, path, task | written).json() == task
    written = {name: task[name][:23] + "Z" for name in ("created_at", "updated_at")}
    assert as_alice(method, path, task | written).json() == task
    changed = as_alice(method, path, task | {"title": "New"}).json()
    assert (changed["title"], changed["version"]) == ("New", 2)
    assert assert_problem(as_alice(method, path, task), 412)["type"] == "urn:todo:problem:version-conflict"


def test_only_what_can_be_changed(as_alice):
    task = as_alice.create()
    path = f"{TASKS}/{task['id']}"
    body = {"id": "1", "user_id": "2", "created_at": "4", "completed_at": "5", "deleted_at": "6"}
    assert_problem(as_alice("PATCH", path, body), 422, fields=set(body))
    assert_problem(as_alice("PATCH", path, {"title": None, "colour": 1}), 422, fields={"title", "colour"})
    for version in (2, True, "1", None):
        assert_problem(as_alice("PATCH", path, {"version": version}), 412)
    assert as_alice("GET", path).json() == task


@METHODS
def test_somebody_elses_is_not_found(as_alice, as_bob, method):
    task = as_alice.create()
    assert_problem(as_bob(method, f"{TASKS}/{task['id']}", {"title": "mine"}), 404)
    assert as_alice("GET", f"{TASKS}/{task['id']}").json() == task

"""The trash: GET /api/v1/trash, POST /api/v1/tasks/{task_id}/restore, DELETE /api/v1/trash/{task_id}"""

from datetime import UTC, datetime, timedelta

import pytest

from tasks import selectors
from tests.api.client import TASKS, assert_problem
from tests.api.test_list_tasks import walk
from tests.dynamodb import stored

TRASH = "/api/v1/trash"


@pytest.fixture
def deleted(as_alice):
    """A task in the trash, as it was before."""
    task = as_alice.create(title="Old", category="home", due_date="2030-01-01", checklist=[{"text": "a"}])
    assert as_alice("DELETE", f"{TASKS}/{task['id']}").status_code == 204
    return task


def test_a_task_in_the_trash_is_listed_and_restored(as_alice, deleted, calls):
    calls.clear()
    (found,) = as_alice("GET", TRASH).json()
    assert calls.names == ["Query"]
    changed = {name: found[name] for name in ("version", "updated_at", "deleted_at")}
    assert found == deleted | changed
    assert (found["version"], found["deleted_at"]) == (2, found["updated_at"])
    calls.clear()

    restored = as_alice("POST", f"{TASKS}/{deleted['id']}/restore")
    assert calls.names == ["GetItem", "TransactWriteItems"]
    assert restored.json() == deleted | {"version": 3, "updated_at": restored.json()["updated_at"]}
    assert restored["ETag"] == '"3"'
    assert as_alice("GET", f"{TASKS}/{deleted['id']}").json() == restored.json()
    assert as_alice("GET", TRASH).json() == []


def test_a_deleted_task_is_nowhere_else(as_alice, deleted):
    path = f"{TASKS}/{deleted['id']}"
    for method, body in (("GET", None), ("PUT", {"title": "x"}), ("PATCH", {"title": "x"}), ("DELETE", None)):
        assert_problem(as_alice(method, path, body), 404)
    for query in ("", "?category=home", "?sort=due", "?sort=updated", "?q=old", "?due_after=2000-01-01"):
        assert as_alice("GET", f"{TASKS}{query}").json() == []


def test_the_last_deleted_comes_first(as_alice):
    tasks = [as_alice.create(title=f"Task {number}") for number in range(3)]
    for number in (1, 2, 0):
        as_alice("DELETE", f"{TASKS}/{tasks[number]['id']}")
    assert walk(as_alice, f"{TRASH}?limit=1") == (["Task 0", "Task 2", "Task 1"], 3)
    assert_problem(as_alice("GET", f"{TRASH}?status=pending"), 422, fields={"status"})


def test_deleting_for_good(as_alice, deleted, alice, calls):
    path = f"{TRASH}/{deleted['id']}"
    calls.clear()
    answer = as_alice("DELETE", path)
    assert calls.names == ["GetItem", "UpdateItem"]
    assert (answer.status_code, answer.content) == (204, b"")
    assert as_alice("GET", TRASH).json() == []
    assert_problem(as_alice("DELETE", path), 404)
    assert_problem(as_alice("POST", f"{TASKS}/{deleted['id']}/restore"), 404)
    left = stored(f"TRASH#{alice.id}", f"TASK#{deleted['id']}")
    assert not {"checklist", "category", "due_date"} & left.keys()
    assert (left["title"], left["version"]) == ("", 3)


def test_thirty_days(as_alice, deleted, alice):
    expires = stored(f"TRASH#{alice.id}", f"TASK#{deleted['id']}")["expires_at"]
    kept = datetime.fromtimestamp(int(expires), UTC) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < kept <= timedelta(days=30)
    assert len(selectors.get_trashed(alice.id, now=expires - 1).items) == 1
    assert selectors.get_trashed(alice.id, now=expires).items == []


def test_if_match(as_alice, deleted):
    restore, purge = f"{TASKS}/{deleted['id']}/restore", f"{TRASH}/{deleted['id']}"
    assert_problem(as_alice("POST", restore, If_Match='"1"'), 412)
    assert_problem(as_alice("DELETE", purge, If_Match='"1"'), 412)
    assert as_alice("POST", restore, If_Match='"2"').status_code == 200


def test_idempotency_keys(as_alice, deleted, calls):
    restore, purge = f"{TASKS}/{deleted['id']}/restore", f"{TRASH}/{deleted['id']}"
    first = as_alice("POST", restore, Idempotency_Key="r")
    as_alice("DELETE", f"{TASKS}/{deleted['id']}")
    calls.clear()
    again = as_alice("POST", restore, Idempotency_Key="r")
    assert calls.names == ["BatchGetItem"]
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert as_alice("DELETE", purge, Idempotency_Key="p").status_code == 204
    assert as_alice("DELETE", purge, Idempotency_Key="p")["Idempotency-Replayed"] == "true"


def test_somebody_elses_is_not_found(as_alice, as_bob, deleted):
    assert as_bob("GET", TRASH).json() == []
    assert_problem(as_bob("POST", f"{TASKS}/{deleted['id']}/restore"), 404)
    assert_problem(as_bob("DELETE", f"{TRASH}/{deleted['id']}"), 404)
    assert len(as_alice("GET", TRASH).json()) == 1

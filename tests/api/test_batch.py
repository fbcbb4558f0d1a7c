"""POST /api/v1/tasks/batch"""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks import services
from tests.api.client import TASKS, assert_problem
from tests.dynamodb import answer_lost, conflict, stored

BATCH = f"{TASKS}/batch"


def run(api, *operations, **headers):
    """Send the operations and return the results."""
    answer = api("POST", BATCH, {"operations": operations}, **headers)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def create(title="Task", **fields):
    return {"op": "create", "task": {"title": title, **fields}}


def test_does_several_operations_in_one_request(as_alice, calls):
    kept, gone, trashed = (as_alice.create(title=title) for title in ("kept", "gone", "trashed"))
    as_alice("DELETE", f"{TASKS}/{trashed['id']}")
    calls.clear()
    results = run(
        as_alice,
        create("new", tags=["a"]),
        {"op": "update", "id": kept["id"], "task": {"title": "changed"}},
        {"op": "delete", "id": gone["id"]},
        {"op": "restore", "id": trashed["id"]},
    )
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    assert [result["status"] for result in results] == [201, 200, 204, 200]
    assert [result["version"] for result in results] == [1, 2, 2, 3]
    assert [result["id"] for result in results[1:]] == [kept["id"], gone["id"], trashed["id"]]
    titles = {task["title"]: task for task in as_alice("GET", TASKS).json()}
    assert titles.keys() == {"new", "changed", "trashed"}
    assert titles["new"]["id"] == results[0]["id"]
    assert titles["changed"]["updated_at"] == results[1]["updated_at"]


def test_twenty_five_creates_are_one_call(as_alice, calls):
    results = run(as_alice, *[create(f"Task {number}") for number in range(25)])
    assert calls.names == ["TransactWriteItems"]
    listed = as_alice("GET", TASKS).json()
    assert {task["id"] for task in listed} == {result["id"] for result in results}
    assert len(listed) == 25


def test_what_cannot_be_done_is_refused_by_itself(as_alice, as_bob):
    mine, done = as_alice.create(), as_alice.create()
    theirs = as_bob.create()
    results = run(
        as_alice,
        create(""),
        create("due", due_time="09:00"),
        {"op": "update", "id": theirs["id"], "task": {"title": "stolen"}},
        {"op": "update", "id": "nonsense", "task": {"title": "x"}},
        {"op": "update", "id": mine["id"], "task": {"title": "x"}, "if_version": 7},
        {"op": "delete", "id": mine["id"]},
        {"op": "update", "id": done["id"], "task": {"status": "completed"}},
        {"op": "update", "id": done["id"], "task": {"title": "y"}},
        {"op": "restore", "id": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"},
    )
    assert [result["status"] for result in results] == [422, 422, 404, 404, 412, 422, 200, 422, 404]
    assert results[0]["problem"]["errors"][0]["field"] == "title"
    assert results[5]["problem"]["errors"][0]["code"] == "duplicate"
    assert as_bob("GET", f"{TASKS}/{theirs['id']}").json() == theirs
    assert as_alice("GET", f"{TASKS}/{mine['id']}").json() == mine


def test_a_recurring_task_gets_its_next_occurrence(as_alice):
    task = as_alice.create(recurrence="FREQ=DAILY", due_date="2030-01-01")
    run(as_alice, {"op": "update", "id": task["id"], "task": {"status": "completed"}})
    done = as_alice("GET", f"{TASKS}/{task['id']}").json()
    following = as_alice("GET", f"{TASKS}/{done['next_task_id']}").json()
    assert (following["due_date"], following["status"]) == ("2030-01-02", "pending")


LARGEST = {
    "description": "😀" * 10_000,
    "checklist": [{"text": "😀" * 200} for _ in range(100)],
    "tags": [f"{n:02}" + "😀" * 48 for n in range(20)],
    "due_date": "2030-01-01",
    "recurrence": "FREQ=DAILY",
}


@pytest.fixture
def largest(ctx, alice):
    """25 recurring tasks of the largest size there is, made one by one."""
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(
            lambda _: services.create_task(ctx(alice), {"title": "😀", **LARGEST}).task, range(25)
        )
        return list(made)


def complete(task):
    return {"op": "update", "id": task.id, "task": {"status": "completed"}}


def test_a_batch_that_dynamodb_would_not_take_is_refused_with_its_size(as_alice, largest, calls):
    body = {"operations": [complete(task) for task in largest]}
    answer = as_alice("POST", BATCH, body, Idempotency_Key="k")
    problem = assert_problem(answer, 413)
    measured, most = map(int, re.findall(r"[0-9]+", problem["detail"]))
    assert problem["detail"] == (
        f"This has {measured} bytes, and at most 4194304 can be saved at once. Do it in smaller parts."
    )
    assert measured > most
    assert problem["type"] == "urn:todo:problem:too-large"
    assert "Retry-After" not in answer
    assert "TransactWriteItems" not in calls, "it is counted before it is sent"
    assert {task["status"] for task in as_alice("GET", f"{TASKS}?limit=1").json()} == {"pending"}
    # The part that it says would pass does, under a key of its own.
    fitting = len(largest) * most // measured
    results = run(as_alice, *[complete(task) for task in largest[:fitting]], Idempotency_Key="smaller")
    assert [result["status"] for result in results] == [200] * fitting


def test_25_of_the_largest_tasks_are_created_at_once(as_alice, calls):
    """As many bytes as a body may have."""
    task = {"title": "x", "description": "😀" * 8_000}
    body = json.dumps({"operations": [{"op": "create", "task": task}] * 25}, ensure_ascii=False).encode()
    answer = as_alice.client.generic("POST", BATCH, body, "application/json")
    assert [result["status"] for result in answer.json()["results"]] == [201] * 25
    assert calls.names == ["TransactWriteItems"]


@pytest.mark.parametrize("existing", [0, 1])
def test_idempotency_key(as_alice, alice, calls, existing):
    operations = [create("new"), create("")]
    operations += [{"op": "delete", "id": as_alice.create()["id"]} for _ in range(existing)]
    body = {"operations": operations}
    first = as_alice("POST", BATCH, body, Idempotency_Key="k")
    calls.clear()
    again = as_alice("POST", BATCH, body, Idempotency_Key="k")
    assert calls.total() <= 1 + existing
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert [task["title"] for task in as_alice("GET", TASKS).json()] == ["new"]
    assert_problem(as_alice("POST", BATCH, {"operations": [create("other")]}, Idempotency_Key="k"), 422)
    record = stored(f"IDEMPOTENCY#{alice.id}#k", "METADATA")
    assert record["resource_sk"] == f"TASK#{first.json()['results'][0]['id']}"
    assert len(record.get("more_resources", [])) == existing


def test_a_batch_of_which_nothing_could_be_done_is_not_remembered(as_alice):
    body = {"operations": [{"op": "delete", "id": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"}]}
    assert as_alice("POST", BATCH, body, Idempotency_Key="k").json()["results"][0]["status"] == 404
    assert "Idempotency-Replayed" not in as_alice("POST", BATCH, body, Idempotency_Key="k")


def test_sixteen_at_once_do_it_once(as_alice):
    task = as_alice.create()
    body = {"operations": [create("new"), {"op": "update", "id": task["id"], "task": {"title": "x"}}]}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: as_alice("POST", BATCH, body, Idempotency_Key="k"), range(16)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert sorted(t["title"] for t in as_alice("GET", TASKS).json()) == ["new", "x"]
    assert as_alice("GET", f"{TASKS}/{task['id']}").json()["version"] == 2


@pytest.mark.parametrize(("trouble", "times"), [(conflict, 2), (answer_lost, 1)])
def test_a_network_in_trouble(as_alice, unreliable, trouble, times):
    task = as_alice.create()
    unreliable("TransactWriteItems", trouble, times)
    results = run(as_alice, create("new"), {"op": "update", "id": task["id"], "task": {"title": "x"}})
    assert [result["status"] for result in results] == [201, 200]
    assert sorted(t["title"] for t in as_alice("GET", TASKS).json()) == ["new", "x"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operations": []},
        {"operations": [create()] * 26},
        {"operations": [{"op": "explode", "id": "x"}]},
        {"operations": [{"op": "create"}]},
        {"operations": [{"op": "delete"}]},
        {"operations": [create() | {"id": "x"}]},
        {"operations": [{"op": "update", "id": "x", "task": {}, "if_version": 0}]},
        {"operations": [create()], "atomic": True},
    ],
)
def test_bad_batches(as_alice, calls, body):
    assert_problem(as_alice("POST", BATCH, body), 422)
    assert not calls


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": {"a": "x" * 2000}}, "'op' must be one of 'create', 'update', 'delete', 'restore'."),
        ({"op": "explode"}, "'op' must be one of 'create', 'update', 'delete', 'restore'."),
        ({"id": "x"}, "'op' is required."),
    ],
    ids=["an object", "unknown", "missing"],
)
def test_an_operation_that_is_none_is_told_without_repeating_it(as_alice, operation, message):
    answer = as_alice("POST", f"{TASKS}/batch", {"operations": [operation]})
    assert answer.status_code == 422
    assert [error["message"] for error in answer.json()["errors"]] == [message]

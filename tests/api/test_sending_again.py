"""Idempotency keys on every unsafe method: the process may die between any two steps, the retry does it once"""

import pytest

from tasks import table
from tests.api.client import TASKS
from tests.dynamodb import stored

# The last first: what was written must not hide the steps before it.
OPERATIONS = ("transact_write_items", "update_item", "put_item", "batch_get_item", "get_item")


class Died(BaseException):
    """The process was killed: nothing of ours runs any more."""


def before(call, arguments):
    raise Died


def after(call, arguments):
    call(**arguments)
    raise Died


def create(api):
    return "POST", TASKS, {"title": "once"}


def update(api):
    return "PATCH", f"{TASKS}/{api.create()['id']}", {"title": "once"}


def complete(api):
    task = api.create(title="once", recurrence="FREQ=DAILY", due_date="2030-01-01")
    return "PUT", f"{TASKS}/{task['id']}", {"status": "completed"}


def delete(api):
    return "DELETE", f"{TASKS}/{api.create()['id']}", None


def restore(api):
    path = f"{TASKS}/{api.create()['id']}"
    api("DELETE", path)
    return "POST", f"{path}/restore", None


def purge(api):
    task = api.create()["id"]
    api("DELETE", f"{TASKS}/{task}")
    return "DELETE", f"/api/v1/trash/{task}", None


def batch(api):
    operations = [
        {"op": "create", "task": {"title": "once"}},
        {"op": "delete", "id": api.create()["id"]},
    ]
    return "POST", f"{TASKS}/batch", {"operations": operations}


def profile(api):
    api("GET", "/api/v1/users")
    return "PUT", "/api/v1/users", {"name": "once"}


REQUESTS = (create, update, complete, delete, restore, purge, batch, profile)


def state(api):
    """Return everything there is, without what differs from one moment to the next."""
    tasks = [*api("GET", TASKS).json(), *api("GET", "/api/v1/trash").json()]
    shown = sorted((t["title"], t["status"], t["version"], t["deleted_at"] is None) for t in tasks)
    return shown, api("GET", "/api/v1/users").json()["version"]


@pytest.mark.parametrize("make", REQUESTS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("death", [before, after], ids=lambda death: death.__name__)
def test_it_works(as_alice, as_bob, unreliable, monkeypatch, make, death):
    """Alice's process dies at each of its calls; Bob does the same in peace."""
    method, path, body = make(as_bob)
    assert as_bob(method, path, body, Idempotency_Key="k").status_code < 300
    for person in (as_alice, as_bob):
        person("GET", "/api/v1/users")
    method, path, body = make(as_alice)
    died, in_peace = 0, table.client()
    for operation in OPERATIONS:
        unreliable(operation, death)
        try:
            as_alice(method, path, body, Idempotency_Key="k")
        except Died:
            died += 1
        monkeypatch.setattr(table, "_client", in_peace)
    assert died >= 1
    answer = as_alice(method, path, body, Idempotency_Key="k")
    again = as_alice(method, path, body, Idempotency_Key="k")
    assert answer.status_code < 300
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    assert again["Idempotency-Replayed"] == "true"
    assert state(as_alice) == state(as_bob)


def test_from_the_record_to_the_resource_and_back(as_alice, alice):
    task = as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k", X_Request_ID="first").json()
    as_alice("PATCH", f"{TASKS}/{task['id']}", {"title": "y"}, Idempotency_Key="l", X_Request_ID="second")
    records = {key: stored(f"IDEMPOTENCY#{alice.id}#{key}", "METADATA") for key in "kl"}
    for record in records.values():
        resource = stored(record["resource_pk"], record["resource_sk"])
        assert resource["id"] == task["id"]
    assert resource["request_id"] == records["l"]["request_id"] == "second"
    assert records["k"]["request_id"] == "first"
    assert resource["updated_by"] == alice.id

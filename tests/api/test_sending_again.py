"""Idempotency keys on every unsafe method: the process may die between any two steps, the retry does it once"""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity.items import user_key
from store.idempotency import IdempotencyItem, idempotency_key
from store.reading import get
from store.writing import put, remove, write
from tests.api.client import TASKS, assert_problem
from tests.dynamodb import stored

# The last first: what was written must not hide the steps before it.
WRITES = ("TransactWriteItems", "UpdateItem", "PutItem", "DeleteItem")
OPERATIONS = (*WRITES, "BatchGetItem", "GetItem", "Query")
TOKENS, CALENDAR = "/api/v1/tokens", "/api/v1/calendar"


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


def changed_profile(api):
    api("GET", "/api/v1/users/me")
    return "PATCH", "/api/v1/users/me", {"name": "once"}


def first_profile(api):
    remove(user_key(api("GET", "/api/v1/users").json()["id"]))
    return "POST", "/api/v1/users", {"name": "once"}


def access_token(api):
    return "POST", TOKENS, {"name": "once", "scope": "write"}


def end_access_token(api):
    return "DELETE", f"{TOKENS}/{api('POST', TOKENS, {'name': 'gone'}).json()['id']}", None


def calendar(api):
    return "POST", CALENDAR, None


def end_calendar(api):
    api("POST", CALENDAR)
    return "DELETE", CALENDAR, None


def bring_in(api):
    return "POST", "/api/v1/import", [{"title": "one"}, {"title": "two"}]


def export(api):
    return "POST", "/api/v1/exports", {"format": "csv"}


def continue_export(api):
    made = api("POST", "/api/v1/exports", {"format": "csv"}).json()
    return "POST", f"/api/v1/exports/{made['id']}/continue", None


def begin_import(api):
    return "POST", "/api/v1/imports", {"bytes": 18}


def continue_import(api):
    tasks = [{"title": "one"}, {"title": "two"}]
    made = api("POST", "/api/v1/imports", {"bytes": len(json.dumps(tasks))}).json()
    return "POST", f"/api/v1/imports/{made['id']}/continue?offset=0", tasks


REQUESTS = (
    *(begin_import, continue_import),
    *(create, update, complete, delete, restore, purge, batch, bring_in, export, continue_export),
    *(profile, changed_profile, first_profile, access_token, end_access_token, calendar, end_calendar),
)
# A step that died keeps its claim for half a minute, in which another one is refused; one after the last does nothing.
CLAIMED = (continue_export, continue_import)
AT_ONCE = tuple(make for make in REQUESTS if make not in CLAIMED)
# After these there is nothing left to lead to.
ENDED = (end_access_token, end_calendar)


def state(api):
    """Return everything there is, without what differs from one moment to the next."""
    tasks = [*api("GET", TASKS).json(), *api("GET", "/api/v1/trash").json()]
    shown = sorted((t["title"], t["status"], t["version"], t["deleted_at"] is None) for t in tasks)
    tokens = sorted(token["name"] for token in api("GET", TOKENS).json())
    return shown, api("GET", "/api/v1/users").json()["version"], tokens, api("GET", CALENDAR).status_code


def in_peace(api, make):
    """Do once what ``make`` makes, and return what there is then."""
    api("GET", "/api/v1/users")
    method, path, body = make(api)
    assert api(method, path, body, Idempotency_Key="k").status_code < 300
    return state(api)


def test_it_has_every_unsafe_operation(client):
    """Each has a request here; PUT and PATCH of a task are one."""
    paths = client.get("/api/openapi.json").json()["paths"]
    unsafe = [method for item in paths.values() for method in item if method != "get"]
    assert len(unsafe) == len(REQUESTS)


@pytest.mark.parametrize("make", AT_ONCE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("death", [before, after], ids=lambda death: death.__name__)
def test_a_request_that_died_anywhere_is_done_once_by_its_retry(as_alice, as_bob, unreliable, make, death):
    """Alice's process dies at each of its calls; Bob does the same in peace."""
    wanted = in_peace(as_bob, make)
    as_alice("GET", "/api/v1/users")
    method, path, body = make(as_alice)
    died = 0
    for operation in OPERATIONS:
        unreliable(operation, death)
        try:
            as_alice(method, path, body, Idempotency_Key="k")
        except Died:
            died += 1
        unreliable(operation, death, times=0)
    assert died >= 1
    answer = as_alice(method, path, body, Idempotency_Key="k")
    again = as_alice(method, path, body, Idempotency_Key="k")
    assert answer.status_code < 300
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    assert again["Idempotency-Replayed"] == "true"
    assert state(as_alice) == wanted


@pytest.mark.parametrize("make", AT_ONCE, ids=lambda make: make.__name__)
def test_sixteen_at_once(as_alice, as_bob, make):
    """Some may be told to come back; whoever is answered is answered the same."""
    wanted = in_peace(as_bob, make)
    as_alice("GET", "/api/v1/users")
    method, path, body = make(as_alice)
    with ThreadPoolExecutor(16) as pool:
        answers = [*pool.map(lambda _: as_alice(method, path, body, Idempotency_Key="k"), range(16))]
    last = as_alice(method, path, body, Idempotency_Key="k")
    assert last["Idempotency-Replayed"] == "true"
    for answer in answers:
        if answer.status_code != 409:
            assert (answer.status_code, answer.content) == (last.status_code, last.content)
    if make is not bring_in:  # whose rows are each done by whoever comes first
        done = [answer for answer in answers if answer.status_code != 409]
        assert sum("Idempotency-Replayed" not in answer for answer in done) <= 1
    assert state(as_alice) == wanted


def test_a_secret_is_in_no_record(as_alice, alice):
    """What is answered once more is made anew, from what only we know."""
    made = as_alice("POST", TOKENS, {"name": "x"}, Idempotency_Key="token").json()
    address = as_alice("POST", CALENDAR, Idempotency_Key="feed").json()["url"]
    records = repr([stored(f"IDEMPOTENCY#{alice.id}#{key}", "METADATA") for key in ("token", "feed")])
    assert made["id"] in records
    secret = made["token"].removeprefix("todo_")
    for hidden in (secret, address.partition("todo_")[2][:40], base64.urlsafe_b64decode(f"{secret}=").hex()):
        assert hidden not in records


def test_a_token_that_was_revoked_is_still_what_was_answered(as_alice):
    first = as_alice("POST", TOKENS, {"name": "x"}, Idempotency_Key="k")
    as_alice("DELETE", f"{TOKENS}/{first.json()['id']}")
    again = as_alice("POST", TOKENS, {"name": "x"}, Idempotency_Key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert as_alice("GET", TOKENS).json() == []


@pytest.mark.parametrize("make", REQUESTS, ids=lambda make: make.__name__)
def test_a_key_is_for_one_request_and_leads_to_what_it_did(as_alice, alice, make):
    """From the record to the resource, and from the resource's last writer to the request; unless nothing is left."""
    as_alice("GET", "/api/v1/users")
    as_alice("POST", TASKS, {"title": "first"}, Idempotency_Key="used")
    method, path, body = make(as_alice)
    before = state(as_alice) if make is not first_profile else None
    mismatch = assert_problem(as_alice(method, path, body, Idempotency_Key="used"), 422)
    assert mismatch["type"] == "urn:todo:problem:idempotency-mismatch"
    assert before in (None, state(as_alice))

    assert as_alice(method, path, body, Idempotency_Key="k", X_Request_ID="this").status_code < 300
    record = stored(f"IDEMPOTENCY#{alice.id}#k", "METADATA")
    assert record["request_id"] == "this"
    resources = [
        {"PK": record["resource_pk"], "SK": record["resource_sk"]},
        *record.get("more_resources", []),
    ]
    for key in resources:
        resource = stored(key["PK"], key["SK"])
        assert (resource or {}).get("request_id") == (None if make in ENDED else "this")
    assert_problem(as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k"), 422)


def test_a_day_later_a_key_is_as_good_as_new(as_alice, alice):
    first = as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k").json()
    record = get(IdempotencyItem, idempotency_key(alice.id, "k"))
    assert 24 * 3600 - 60 < record.expires_at - time.time() <= 24 * 3600
    # Time to live removes what has expired within days; until then it must count as gone.
    write([put(record.changed(expires_at=int(time.time()) - 1))])
    answer = as_alice("POST", TASKS, {"title": "y"}, Idempotency_Key="k")
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (201, False)
    again = as_alice("POST", TASKS, {"title": "y"}, Idempotency_Key="k")
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == answer.json()["id"] != first["id"]


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

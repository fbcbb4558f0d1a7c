"""Many who change the same thing at once, without a condition: all of them are done"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from store import attempts
from tests.api.client import TASKS, assert_problem
from tests.dynamodb import conflict, stored

HTMX = {"HX-Request": "true"}


def at_once(number, threads, send):
    with ThreadPoolExecutor(threads) as pool:
        return [answer.status_code for answer in pool.map(send, range(number))]


@pytest.mark.parametrize("threads", [16, 50])
def test_fifty_patches_of_one_task_are_all_done(as_alice, threads):
    path = f"{TASKS}/{as_alice.create()['id']}"
    statuses = at_once(50, threads, lambda n: as_alice("PATCH", path, {"title": f"Title {n}"}))
    assert statuses == [200] * 50
    assert as_alice("GET", path).json()["version"] == 51


def test_batches_that_share_a_task_are_all_done(as_alice):
    shared, own = as_alice.create()["id"], [as_alice.create()["id"] for _ in range(16)]

    def send(number):
        operations = [
            {"op": "update", "id": each, "task": {"title": f"Title {number}"}}
            for each in (shared, own[number])
        ]
        return as_alice("POST", f"{TASKS}/batch", {"operations": operations})

    assert at_once(16, 16, send) == [200] * 16
    assert as_alice("GET", f"{TASKS}/{shared}").json()["version"] == 17


def test_a_recurring_task_that_many_complete_is_completed_once(as_alice):
    task = as_alice.create(due_date="2030-01-01", recurrence="FREQ=DAILY")
    path = f"{TASKS}/{task['id']}"
    assert at_once(16, 16, lambda _: as_alice("PATCH", path, {"status": "completed"})) == [200] * 16
    assert len(as_alice("GET", TASKS).json()) == 2


def test_a_condition_is_kept_all_the_same(as_alice):
    path = f"{TASKS}/{as_alice.create()['id']}"
    statuses = at_once(16, 16, lambda n: as_alice("PATCH", path, {"title": f"Title {n}"}, If_Match='"1"'))
    assert sorted(statuses) == [200] + [412] * 15


def test_toggles_and_bulk_changes_on_pages_are_all_done(as_alice, alice, client_for):
    ids = [as_alice.create()["id"] for _ in range(3)]
    browsers = [client_for(alice) for _ in range(8)]

    def toggle(number):
        to = ("completed", "pending")[number % 2]
        return browsers[number].post(f"/tasks/{ids[0]}/complete/", {"to": to}, headers=HTMX)

    def bulk(number):
        asked = {"do": "apply", "ids": ids, "category": f"Category {number}"}
        return browsers[number].post("/tasks/bulk/", asked, headers=HTMX)

    assert at_once(8, 8, toggle) == [200] * 8
    with ThreadPoolExecutor(8) as pool:
        pages = [answer.content.decode() for answer in pool.map(bulk, range(8))]
    assert all("Changed 3 tasks" in page and "could not" not in page for page in pages), pages


def test_what_does_not_land_says_what_to_do(as_alice, unreliable):
    task = as_alice.create()
    unreliable("TransactWriteItems", conflict, times=1000)
    operations = [
        {"op": "update", "id": task["id"], "task": {"title": "x"}},
        {"op": "create", "task": {"title": "y"}},
    ]
    answer = as_alice("POST", f"{TASKS}/batch", {"operations": operations})
    problem = assert_problem(answer, 409)
    assert problem["type"] == "urn:todo:problem:write-contention"
    assert problem["detail"].endswith("nothing was saved. Wait a second and send the request again.")
    assert answer["Retry-After"] == "1"


def test_a_bulk_change_ends_with_the_attempts_of_its_request(as_alice, alice, client_for, unreliable, calls):
    """However many tasks it changes, and whatever is in the way of each."""
    ids = [as_alice.create(recurrence="FREQ=DAILY", due_date="2030-01-01")["id"] for _ in range(20)]
    browser = client_for(alice)
    unreliable("TransactWriteItems", conflict, times=1000)
    calls.clear()
    answer = browser.post("/tasks/bulk/", {"do": "complete", "ids": ids}, headers=HTMX)
    assert "20 could not be changed" in answer.content.decode()
    assert calls.total() < 3 * (len(ids) + attempts.MAX_RETRIES)
    assert stored(f"TASK#{alice.id}", f"TASK#{ids[0]}")["status"] == "pending"

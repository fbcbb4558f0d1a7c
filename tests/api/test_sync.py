"""Delta sync: GET /api/v1/tasks?updated_since=…"""

import os
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from store.request_context import RequestContext, timestamp
from tasks import services
from tasks.items import trash_key
from tests.api.client import TASKS, assert_problem
from tests.api.test_list_tasks import following
from tests.roles import OWNER


def changes(api, since, query="", limit=100):
    """Return every change since an instant, over all pages, and what to give next time."""
    path, found, pages = f"{TASKS}?limit={limit}&updated_since={since}{query}", [], 0
    mark = ""
    while path:
        answer = api("GET", path)
        assert answer.status_code == 200, answer.content
        assert ("Sync-Since" in answer) == (pages == 0)
        mark = mark or answer["Sync-Since"]
        found += answer.json()
        path, pages = following(answer), pages + 1
    return found, mark


def now():
    return timestamp(datetime.now(UTC))


def test_what_changed_since_comes_with_tombstones(as_alice, calls):
    as_alice.create(title="untouched")
    kept, gone = as_alice.create(title="kept"), as_alice.create(title="gone")
    since = now()
    new = as_alice.create(title="new")
    kept = as_alice("PATCH", f"{TASKS}/{kept['id']}", {"title": "changed"}).json()
    as_alice("DELETE", f"{TASKS}/{gone['id']}")
    calls.clear()

    found, _ = changes(as_alice, since)
    assert calls.names == ["Query", "Query"]
    assert found[:2] == [new, kept]
    assert (found[2]["id"], found[2]["version"]) == (gone["id"], 2)
    assert found[2]["deleted_at"] == found[2]["updated_at"]
    assert len(found) == 3


def delete(api, task):
    assert api("DELETE", f"{TASKS}/{task['id']}").status_code == 204


def delete_in_a_batch(api, task):
    answer = api("POST", f"{TASKS}/batch", {"operations": [{"op": "delete", "id": task["id"]}]})
    assert answer.json()["results"][0]["status"] == 204


def delete_permanently(api, task):
    delete(api, task)
    assert api("DELETE", f"/api/v1/trash/{task['id']}").status_code == 204


def empty_the_trash(api, task):
    delete(api, task)
    owner = task["user_id"]
    assert services.empty_trash(RequestContext(owner, owner, "request", datetime.now(UTC))) == (1, False)


def let_it_expire(api, task):
    """DynamoDB removes an expired item late: here it is still there."""
    delete(api, task)
    pk, sk = trash_key(task["user_id"], task["id"])
    OWNER.resource("dynamodb").Table(os.environ["TABLE_NAME"]).update_item(
        Key={"PK": pk, "SK": sk},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": int(time.time()) - 1},
    )


@pytest.mark.parametrize(
    "way", [delete, delete_in_a_batch, delete_permanently, empty_the_trash, let_it_expire]
)
def test_every_way_to_delete_reaches_the_client(as_alice, way):
    task = as_alice.create()
    since = now()
    way(as_alice, task)
    (found,), _ = changes(as_alice, since)
    assert (found["id"], bool(found["deleted_at"])) == (task["id"], True)
    assert found["version"] > task["version"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_copy_kept_by_changes_is_the_list(as_alice, limit):
    """Creates, changes, deletions, restores and deletions for good, all in the order of the changes."""
    since, copy = now(), {}
    tasks = [as_alice.create(title=f"Task {number}") for number in range(6)]
    as_alice("PATCH", f"{TASKS}/{tasks[0]['id']}", {"status": "completed"})
    for number in (1, 2, 3):
        as_alice("DELETE", f"{TASKS}/{tasks[number]['id']}")
    as_alice("POST", f"{TASKS}/{tasks[1]['id']}/restore")
    as_alice("DELETE", f"/api/v1/trash/{tasks[2]['id']}")

    found, _ = changes(as_alice, since, limit=limit)
    times = [task["updated_at"] for task in found]
    assert times == sorted(times)
    for task in found:
        copy[task["id"]] = task
    live = sorted(
        (t for t in copy.values() if t["deleted_at"] is None), key=lambda task: task["id"], reverse=True
    )
    assert live == as_alice("GET", TASKS).json()
    assert {t["id"] for t in copy.values() if t["deleted_at"]} == {tasks[2]["id"], tasks[3]["id"]}
    assert copy[tasks[2]["id"]]["title"] == ""
    backwards, _ = changes(as_alice, since, "&sort=-updated", limit=limit)
    assert backwards == found[::-1]


def test_what_to_give_next_time(as_alice):
    """It lies a minute back: a write that was on its way is not missed."""
    mark = datetime.fromisoformat(as_alice("GET", TASKS)["Sync-Since"])
    assert timedelta(seconds=50) < datetime.now(UTC) - mark < timedelta(seconds=90)
    _, mark = changes(as_alice, now())
    task = as_alice.create()
    assert changes(as_alice, mark)[0] == [task]


def test_offsets_and_plus_signs(as_alice):
    task = as_alice.create()
    for since in ("2020-01-01T00:00:00%2B02:00", "2020-01-01T00:00:00+02:00", "2020-01-01T00:00Z"):
        assert changes(as_alice, since)[0] == [task]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert changes(as_alice, quote(later))[0] == []


def test_filters_hold_for_deletions_too(as_alice):
    home, work = (as_alice.create(category=category, tags=[category]) for category in ("home", "work"))
    purged = as_alice.create(category="work")
    for task in (home, work, purged):
        as_alice("DELETE", f"{TASKS}/{task['id']}")
    as_alice("DELETE", f"/api/v1/trash/{purged['id']}")
    open_home = as_alice.create(category="home", tags=["home"], title="home")
    for query in ("category=home", "tag=home", "q=home"):
        found, _ = changes(as_alice, "2020-01-01T00:00:00Z", f"&{query}")
        # Of what was deleted for good nobody knows any more what it was.
        assert [task["id"] for task in found] == [home["id"], purged["id"], open_home["id"]]


def test_deletions_older_than_the_trash_are_forgotten(as_alice):
    recent, old = (timestamp(datetime.now(UTC) - timedelta(days=days)) for days in (29, 31))
    assert "Sync-Reset" not in as_alice("GET", f"{TASKS}?updated_since={recent}")
    assert as_alice("GET", f"{TASKS}?updated_since={old}")["Sync-Reset"] == "true"


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "", "9" * 300])
def test_bad_instants(as_alice, since):
    assert_problem(as_alice("GET", f"{TASKS}?updated_since={since}"), 422, fields={"updated_since"})


@pytest.mark.parametrize("limit", [1, 100])
def test_in_another_order_deletions_come_last(as_alice, limit):
    as_alice.create(title="untouched", due_date="2030-01-01")
    since = now()
    late, gone, early = (as_alice.create(due_date=f"2030-01-0{number}") for number in (9, 2, 1))
    as_alice("DELETE", f"{TASKS}/{gone['id']}")
    for sort, wanted in (("due", [early, late]), ("-due", [late, early]), ("created", [late, early])):
        found, _ = changes(as_alice, since, f"&sort={sort}", limit=limit)
        assert [task["id"] for task in found] == [task["id"] for task in (*wanted, gone)]


def test_others_change_nothing(as_alice, as_bob):
    as_bob("DELETE", f"{TASKS}/{as_bob.create()['id']}")
    assert changes(as_alice, "2020-01-01T00:00:00Z")[0] == []

"""``fields``: only what a client needs of a task"""

import pytest

from tests.api.client import TASKS, assert_problem
from tests.api.test_list_tasks import following

TRASH = "/api/v1/trash"


@pytest.fixture
def places(as_alice):
    """Addresses that show tasks, with what they show."""
    for _ in range(2):
        as_alice.create(title="Here")
    here = as_alice("GET", TASKS).json()
    for task in [as_alice.create(title="Gone") for _ in range(2)]:
        as_alice("DELETE", f"{TASKS}/{task['id']}")
    gone = as_alice("GET", TRASH).json()
    return {
        TASKS: here,
        f"{TASKS}/{here[0]['id']}": here[0],
        TRASH: gone,
        f"{TRASH}/{gone[0]['id']}": gone[0],
    }


def test_only_the_fields_asked_for(as_alice, places):
    for path, whole in places.items():
        assert as_alice("GET", path).json() == whole
        tasks = whole if isinstance(whole, list) else [whole]
        for names in (["id"], ["title", "version"], ["version", "title", "title"], list(tasks[0])):
            shown = as_alice("GET", f"{path}?fields={','.join(names)}").json()
            wanted = [{name: task[name] for name in names} for task in tasks]
            assert shown == (wanted if isinstance(whole, list) else wanted[0])


@pytest.mark.parametrize(
    "fields",
    ["", "nothing", "id,", ",id", "id,nothing", "id title", "ID", "id," * 200 + "id", "__class__"],
    ids=lambda fields: fields[:12],
)
def test_other_names(as_alice, places, fields):
    for path in places:
        problem = assert_problem(as_alice("GET", f"{path}?fields={fields}"), 422, fields={"fields"})
        assert len(problem["errors"][0]["message"]) < 500


def test_pages_and_tags_stay_with_their_fields(as_alice, places):
    first = as_alice("GET", f"{TASKS}?limit=1&fields=title")
    second = as_alice("GET", following(first))
    assert [*first.json(), *second.json()] == [{"title": "Here"}] * 2
    assert as_alice("GET", f"{TASKS}?limit=1&fields=title", If_None_Match=first["ETag"]).status_code == 304
    path = next(path for path in places if path.startswith(f"{TASKS}/"))
    one = as_alice("GET", f"{path}?fields=title")
    assert one["ETag"] == '"1"'
    assert as_alice("PATCH", path, {"title": "New"}, If_Match=one["ETag"]).status_code == 200


def test_a_deleted_task_by_its_id(as_alice, as_bob, calls):
    task = as_alice.create(title="Old")
    path = f"{TRASH}/{task['id']}"
    assert assert_problem(as_alice("GET", path), 404)["code"] == "task-not-found"
    as_alice("DELETE", f"{TASKS}/{task['id']}")
    calls.clear()
    found = as_alice("GET", path)
    assert calls.names == ["GetItem"]
    assert found.json() == as_alice("GET", TRASH).json()[0]
    assert found["ETag"] == f'"{found.json()["version"]}"'
    assert as_alice("GET", path, If_None_Match=found["ETag"]).status_code == 304
    assert_problem(as_bob("GET", path), 404)
    as_alice("DELETE", path)
    assert_problem(as_alice("GET", path), 404)

"""If-None-Match, HEAD, and profiles under If-Match and Idempotency-Key"""

import pytest

from identity import profiles
from tests.api.client import TASKS, Api, assert_problem

USERS = "/api/v1/users"


def test_a_task_that_did_not_change_answers_304(as_alice, calls):
    task = as_alice.create()
    path = f"{TASKS}/{task['id']}"
    tag = as_alice("GET", path)["ETag"]
    calls.clear()
    answer = as_alice("GET", path, If_None_Match=tag)
    assert calls.names == ["GetItem"]
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    as_alice("PATCH", path, {"title": "New"})
    assert as_alice("GET", path, If_None_Match=tag).status_code == 200


@pytest.mark.parametrize("path", [TASKS, f"{TASKS}?status=pending&limit=1", "/api/v1/trash", USERS])
def test_lists_and_profiles(as_alice, path):
    for _ in range(2):
        as_alice.create()
    first = as_alice("GET", path)
    had = as_alice("GET", path, If_None_Match=first["ETag"])
    assert (had.status_code, had.content) == (304, b"")
    # What is not changed may still have a next page.
    assert had.get("Link", "")[:20] == first.get("Link", "")[:20]


def test_a_changed_list_is_sent(as_alice):
    tag = as_alice("GET", TASKS)["ETag"]
    as_alice.create()
    assert as_alice("GET", TASKS, If_None_Match=tag).status_code == 200


NO_TAGS = ("0", "1", "", "'1'", '*, "1"', '"1"' * 400)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        *[(tags, 304) for tags in ('"1"', 'W/"1"', '"0", "1"', "*")],
        *[(tags, 200) for tags in ('"2"', *NO_TAGS)],  # a read does as without a condition that is none
    ],
)
def test_ways_to_ask(as_alice, header, status):
    path = f"{TASKS}/{as_alice.create()['id']}"
    assert as_alice("GET", path, If_None_Match=header).status_code == status


@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 412), ('W/"1"', 412), ('"2", "1"', 412), ("*", 412), ('"2"', 200), ("1", 400)],
)
def test_changes_only_of_what_the_client_does_not_have(as_alice, header, status):
    path = f"{TASKS}/{as_alice.create()['id']}"
    assert as_alice("PATCH", path, {"title": "New"}, If_None_Match=header).status_code == status
    assert as_alice("GET", path).json()["version"] == (2 if status == 200 else 1)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        *[(tags, 200) for tags in ('"1"', '"7", "1"', 'W/"2","1"', '"1",', ', "1"', '"7",,"1"', "*")],
        *[(tags, 412) for tags in ('W/"1"', '"2"', '"01"', '""', '"' + "9" * 50 + '"')],
        *[(tags, 400) for tags in ("1", "'1'", '"1" "2"', '*, "1"', ",", '"1"' * 400)],
    ],
)
def test_lists_of_tags(as_alice, header, status):
    path = f"{TASKS}/{as_alice.create()['id']}"
    assert as_alice("PATCH", path, {"title": "New"}, If_Match=header).status_code == status


def test_a_profile_only_if_there_is_none(api, alice):
    profiles.known.clear()
    as_alice = Api(api(alice))
    assert_problem(as_alice("POST", USERS, {}, If_Match='"1"'), 404)
    assert as_alice("POST", USERS, {"name": "One"}, If_None_Match="*").status_code == 201
    assert_problem(as_alice("POST", USERS, {"name": "Two"}, If_None_Match="*"), 412)


def test_what_is_not_there_is_not_there(as_alice):
    assert_problem(as_alice("GET", f"{TASKS}/x", If_None_Match="*"), 404)


@pytest.mark.parametrize(
    "path", [TASKS, "/api/v1/trash", USERS, "/api/health", "/health", "/api/openapi.json"]
)
def test_head_is_get_without_the_body(as_alice, path):
    got, head = as_alice("GET", path), as_alice("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(got.content))
    assert head["Content-Type"] == got["Content-Type"]
    assert head.get("ETag") == got.get("ETag")


def test_head_of_nothing(as_alice):
    answer = as_alice("HEAD", f"{TASKS}/x")
    assert (answer.status_code, answer.content) == (404, b"")


def test_profiles(api, alice, calls):
    profiles.known.clear()
    as_alice = Api(api(alice))
    calls.clear()
    made = as_alice("POST", USERS, {"name": "One"}, Idempotency_Key="k")
    assert calls.names == ["TransactWriteItems"]
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    again = as_alice("POST", USERS, {"name": "One"}, Idempotency_Key="k")
    assert (again.status_code, again.content) == (201, made.content)
    assert again["Idempotency-Replayed"] == "true"
    assert_problem(as_alice("POST", USERS, {"name": "Two"}, Idempotency_Key="k"), 422)

    calls.clear()
    changed = as_alice("PUT", USERS, {"name": "Two"}, If_Match='"1"', Idempotency_Key="p")
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    assert changed["ETag"] == '"2"'
    assert (
        as_alice("PUT", USERS, {"name": "Two"}, If_Match='"1"', Idempotency_Key="p").content
        == changed.content
    )
    assert_problem(as_alice("PUT", USERS, {"name": "Three"}, If_Match='"1"'), 412)


def test_a_whole_profile_can_be_sent_back(api, alice):
    as_alice = Api(api(alice))
    user = as_alice("GET", USERS).json()
    assert as_alice("PUT", USERS, user).json() == user
    assert as_alice("PUT", USERS, user | {"name": "New"}).json()["version"] == 2
    assert_problem(as_alice("PUT", USERS, user), 412)
    assert_problem(as_alice("PUT", USERS, {"id": "other"}), 422, fields={"id"})


def test_tags_of_compressed_answers(as_alice):
    task = as_alice.create(description="many words " * 100)
    address, gzipped = (
        f"/api/v1/tasks/{task['id']}",
        {"Accept_Encoding": "gzip", "Accept": "application/json"},
    )
    one = as_alice("GET", address, **gzipped)
    # The tag that comes with it is good for If-Match.
    assert one["ETag"] == '"1"'
    assert "Content-Encoding" not in one
    changed = as_alice("PATCH", address, {"title": "New"}, If_Match=one["ETag"], **gzipped)
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    assert as_alice("GET", address, If_None_Match='"2"', **gzipped).status_code == 304
    many = as_alice("GET", "/api/v1/tasks", **gzipped)
    assert many["Content-Encoding"] == "gzip"
    assert many["ETag"] == as_alice("GET", "/api/v1/tasks")["ETag"]
    unchanged = as_alice("GET", "/api/v1/tasks", If_None_Match=many["ETag"], **gzipped)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert "Accept-Encoding" in unchanged["Vary"]
    assert unchanged["ETag"] == many["ETag"]
    head = as_alice("HEAD", "/api/v1/tasks", **gzipped)
    assert (head["Content-Encoding"], head.content) == ("gzip", b"")

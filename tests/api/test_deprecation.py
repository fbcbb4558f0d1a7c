"""What is replaced goes on, and says by what and until when"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.api.client import TASKS, assert_problem

USERS = "/api/v1/users"


@pytest.fixture
def replaced(client):
    """The operations that the document calls deprecated."""
    paths = client.get("/api/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, item in paths.items()
        for method, operation in item.items()
        if operation.get("deprecated")
    }


def test_these_are_replaced(replaced):
    assert replaced.keys() == {
        *(f"{method} {USERS}" for method in ("GET", "POST", "PUT")),
        f"PUT {TASKS}/{{task_id}}",
    }
    for operation in replaced.values():
        ok = operation["responses"]["200"]["headers"]
        assert {"Deprecation", "Sunset", "Link"} <= ok.keys()


def test_their_answers_say_so_and_work(as_alice, replaced, settings):
    task = as_alice.create()
    for name in replaced:
        method, path = name.replace("{task_id}", task["id"]).split()
        for body in [None] if method == "GET" else [{}, {"nonsense": 1}]:
            answer = as_alice(method, path, body)
            assert answer.status_code in ({422} if body else {200, 201}), name
            since = datetime.fromtimestamp(int(answer["Deprecation"].removeprefix("@")), UTC)
            until = parsedate_to_datetime(answer["Sunset"])
            assert (until - since).days >= 365
            successor = path if "tasks" in path else f"{USERS}/me"
            assert f'<{settings.APP_URL}{successor}>; rel="successor-version"' in answer["Link"]
            assert 'rel="deprecation"' in answer["Link"]


def test_nothing_else_says_so(as_alice):
    task = as_alice.create()
    for method, path, body in [
        ("GET", TASKS, None),
        ("PATCH", f"{TASKS}/{task['id']}", {}),
        ("GET", f"{USERS}/me", None),
        ("PATCH", f"{USERS}/me", {}),
    ]:
        answer = as_alice(method, path, body)
        assert answer.status_code == 200
        assert not {"Deprecation", "Sunset"} & answer.headers.keys()


def test_my_profile_has_one_address_for_everything(as_alice, alice, calls):
    me = as_alice("GET", f"{USERS}/me")
    assert me.json() == as_alice("GET", USERS).json() == as_alice("GET", f"{USERS}/{alice.id}").json()
    calls.clear()
    changed = as_alice("PATCH", f"{USERS}/me", {"name": "Al"}, If_Match=me["ETag"], Idempotency_Key="k")
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    assert (changed.status_code, changed.json()["name"]) == (200, "Al")
    again = as_alice("PATCH", f"{USERS}/me", {"name": "Al"}, If_Match=me["ETag"], Idempotency_Key="k")
    assert (again.content, again["Idempotency-Replayed"]) == (changed.content, "true")
    assert_problem(as_alice("PATCH", f"{USERS}/me", {"name": "No"}, If_Match=me["ETag"]), 412)
    assert as_alice("GET", f"{USERS}/me", If_None_Match=changed["ETag"]).status_code == 304
    assert_problem(as_alice("PATCH", f"{USERS}/me", {"email": "bob@example.com"}), 422, fields={"email"})


def test_changing_a_profile_creates_it(api, alice):
    from identity import profiles
    from tests.api.client import Api

    profiles.known.clear()
    assert Api(api(alice))("PATCH", f"{USERS}/me", {"name": "New"}).json()["name"] == "New"

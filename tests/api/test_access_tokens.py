"""/api/v1/tokens, and personal access tokens in place of a Cognito token"""

import pytest
from django.test import Client

from identity import access_tokens
from tests.api.client import TASKS, Api, assert_problem

TOKENS = "/api/v1/tokens"


@pytest.fixture
def make_token(as_alice):
    """Return a function that creates a token of Alice's and returns the answer's body."""

    def make(**wanted):
        answer = as_alice("POST", TOKENS, {"name": "script", **wanted})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return make


def bearer(secret) -> Api:
    return Api(Client(headers={"authorization": f"Bearer {secret}"}))


def test_a_script_works_with_its_token_until_it_is_revoked(as_alice, make_token):
    created = make_token(name="backup", scope="write", expires_in_days=7)
    assert {**created, "id": "", "token": "", "created_at": "", "expires_at": ""} == {
        "id": "",
        "name": "backup",
        "scope": "write",
        "created_at": "",
        "expires_at": "",
        "token": "",
    }
    script = bearer(created["token"])
    task = script.create(title="from a script")
    assert as_alice("GET", f"{TASKS}/{task['id']}").json()["title"] == "from a script"
    assert script("PATCH", f"{TASKS}/{task['id']}", {"status": "completed"}).status_code == 200
    assert script("DELETE", f"{TASKS}/{task['id']}").status_code == 204

    del created["token"]
    assert as_alice("GET", TOKENS).json() == [created]
    assert as_alice("DELETE", f"{TOKENS}/{created['id']}").status_code == 204
    assert as_alice("GET", TOKENS).json() == []
    answer = script("GET", TASKS)
    assert_problem(answer, 401)
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_token_that_reads_does_not_write(as_alice, make_token):
    script = bearer(make_token()["token"])
    task = as_alice.create()
    assert script("GET", TASKS).json() == [task]
    path = f"{TASKS}/{task['id']}"
    for method, target in [
        ("POST", TASKS),
        ("PUT", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", TOKENS),
    ]:
        answer = script(method, target, {"title": "x"})
        assert assert_problem(answer, 403)["type"] == "urn:todo:problem:insufficient-scope"
        assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]
    assert as_alice("GET", path).json() == task


def test_authenticating_costs_one_read_at_first_and_then_none(make_token, calls):
    script = bearer(make_token()["token"])
    access_tokens.forget()
    script("GET", TASKS)
    calls.clear()
    access_tokens.forget()
    script("GET", TASKS)
    first = calls["GetItem"]
    calls.clear()
    script("GET", TASKS)
    assert (first, calls["GetItem"]) == (1, 0)


def test_defaults(as_alice, make_token):
    token = make_token()
    assert token["scope"] == "read"
    assert_problem(as_alice("POST", TOKENS, {}), 422, fields={"name"})
    bad = {"name": "", "scope": "all", "expires_in_days": 0, "x": 1}
    assert_problem(as_alice("POST", TOKENS, bad), 422, fields=set(bad))


def test_a_token_makes_no_other_but_may_be_listed_and_end_itself(make_token):
    token = make_token(scope="write")
    script = bearer(token["token"])
    assert assert_problem(script("POST", TOKENS, {"name": "x"}), 403)["type"].endswith("sign-in-required")
    assert [found["id"] for found in script("GET", TOKENS).json()] == [token["id"]]
    assert script("DELETE", f"{TOKENS}/{token['id']}").status_code == 204
    assert_problem(script("GET", TOKENS), 401)


def test_a_managers_token_is_a_persons(api, charlie):
    answer = Api(api(charlie))("POST", TOKENS, {"name": "x", "scope": "write"})
    script = bearer(answer.json()["token"])
    assert script("GET", TASKS).wsgi_request.user.groups == frozenset()
    assert script("GET", "/api/v1/users").json()["email"] == charlie.email


def test_tokens_of_others_are_not_found(as_bob, make_token):
    token = make_token()
    assert as_bob("GET", TOKENS).json() == []
    for path in (f"{TOKENS}/{token['id']}", f"{TOKENS}/x", f"{TOKENS}/{'0' * 64}"):
        assert_problem(as_bob("DELETE", path), 404)
    assert bearer(token["token"])("GET", TASKS).status_code == 200


def test_idempotency(as_alice):
    first, again = (as_alice("POST", TOKENS, {"name": "x"}, Idempotency_Key="make") for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert len(as_alice("GET", TOKENS).json()) == 1
    assert_problem(as_alice("POST", TOKENS, {"name": "y"}, Idempotency_Key="make"), 422)

    path = f"{TOKENS}/{first.json()['id']}"
    answers = [as_alice("DELETE", path, Idempotency_Key="end") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_in_a_browser(client_for, alice):
    browser = client_for(alice)
    made = browser.post(TOKENS, {"name": "x"}, content_type="application/json").json()
    assert bearer(made["token"])("GET", TASKS).status_code == 200

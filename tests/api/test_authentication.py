"""Who may call the API"""

import base64
import json

import pytest
from django.test import Client

from tests.api.client import TASKS, assert_problem


def test_both_cognito_tokens_are_taken_without_another_call(token_for, alice, calls):
    for use in ("IdToken", "AccessToken"):
        client = Client(headers={"authorization": f"Bearer {token_for(alice, use)}"})
        assert client.get(TASKS).status_code == 200
    assert calls.names == ["Query", "Query"]


def test_nobody(client, calls):
    answer = client.get(TASKS)
    assert_problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert not calls


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer ...",
        "Basic YTpi",
        "Bearer " + "x" * 20_000,
        "Bearer " + ".".join(base64.urlsafe_b64encode(b"\xff\xfe").decode() for _ in range(3)),
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        "Bearer é",
    ],
)
def test_malformed_tokens(client, calls, header):
    answer = client.get(TASKS, headers={"authorization": header})
    assert_problem(answer, 401)
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    assert not calls


def test_a_changed_token(client, token_for, alice, bob):
    header, payload, signature = token_for(alice).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": bob.id}).encode()).decode().rstrip("=")
    assert_problem(client.get(TASKS, headers={"authorization": f"Bearer {header}.{forged}.{signature}"}), 401)


def test_a_browser_session(client_for, alice):
    assert client_for(alice).get(TASKS).status_code == 200


def test_a_browser_session_needs_a_csrf_token_to_write(client_for, alice):
    browser = client_for(alice)
    browser.handler.enforce_csrf_checks = True
    body = {"data": {"title": "x"}, "content_type": "application/json"}
    assert_problem(browser.post(TASKS, **body), 403)
    # A page holds the token; the cookie's own value is as good.
    token = browser.cookies["csrf"].value
    assert browser.post(TASKS, **body, headers={"X-CSRFToken": token}).status_code == 201


def test_a_bad_token_is_not_covered_by_a_session(client_for, alice):
    assert_problem(client_for(alice).get(TASKS, headers={"authorization": "Bearer x"}), 401)

"""``Vary`` names what varies, ``Allow`` what is allowed, and headers have an end"""

import pytest
from django.test import Client

from tests.api.client import TASKS, assert_problem

JSON = {"Accept": "application/json"}


@pytest.mark.parametrize("path", [TASKS, f"{TASKS}/x", "/api/v1/users/me", "/api/nope", "/api/v1/tokens"])
def test_what_speaks_english_to_everybody_does_not_vary(as_alice, path):
    for language in ("de", "en"):
        answer = as_alice("GET", path, Accept_Language=language, **JSON)
        assert answer["Content-Language"] == "en"
        assert {name.strip() for name in answer.get("Vary", "").split(",")} <= {"Accept-Encoding", ""}


def test_what_answers_in_the_callers_language_says_so(as_alice):
    path = "/api/v1/recurrence?rule=FREQ%3DDAILY"
    german = as_alice("GET", path, Accept_Language="de")
    assert (german["Content-Language"], german.json()["words"][:4]) == ("de", "Jede")
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in german["Vary"].split(",")}


def test_a_session_varies_with_its_cookie(client_for, alice):
    assert "Cookie" in client_for(alice).get(TASKS)["Vary"]


def test_pages_still_vary(client):
    answer = client.get("/login/", headers={"accept-language": "de"})
    assert answer["Content-Language"] == "de"
    assert "Accept-Language" in answer["Vary"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (TASKS, {"GET", "HEAD", "OPTIONS", "POST"}),
        (f"{TASKS}/x", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        (f"{TASKS}/batch", {"OPTIONS", "POST"}),
        ("/api/health", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_options_lists_the_methods(as_alice, path, methods):
    answer = as_alice("OPTIONS", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer
    assert set(answer["Allow"].split(", ")) == methods
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]
    if "POST" not in methods or path == f"{TASKS}/batch":
        refused = as_alice("TRACE", path)
        assert_problem(refused, 405)
        assert refused["Allow"] == answer["Allow"]


def test_options_of_nothing_and_of_strangers(as_alice):
    assert_problem(as_alice("OPTIONS", "/api/v1/nothing"), 404)
    assert_problem(Client().options(TASKS), 401)


def test_headers_have_an_end(as_alice, client):
    problem = assert_problem(as_alice("GET", TASKS, X_Long="x" * 33_000), 431)
    assert problem["code"] == "headers-too-large"
    assert as_alice("GET", TASKS, X_Long="x" * 20_000).status_code == 200
    page = client.get("/login/", headers={"x-long": "x" * 33_000})
    assert (page.status_code, page["Content-Type"][:9]) == (431, "text/html")


def test_addresses_have_an_end(as_alice):
    assert assert_problem(as_alice("GET", f"{TASKS}?q={'x' * 33_000}"), 414)["code"] == "address-too-long"

"""Requests to the API from other sites' scripts"""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from web import env

APP, OTHER = "https://app.example.com", "https://evil.example.com"
PREFLIGHT = {
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "authorization,if-match",
}


@pytest.fixture(autouse=True)
def origins(settings):
    settings.CORS_ORIGINS = frozenset({APP})


def preflight(path="/api/v1/tasks", origin=APP, **more):
    return Client().options(path, headers={**PREFLIGHT, "origin": origin, **more})


def cors(answer):
    return {name for name in answer.headers if name.startswith("Access-Control-")}


def test_a_preflight_needs_no_token():
    answer = preflight()
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Access-Control-Allow-Origin"] == APP
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert method in answer["Access-Control-Allow-Methods"].split(", ")
    allowed = answer["Access-Control-Allow-Headers"].split(", ")
    for header in ("Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "Content-Type"):
        assert header in allowed
    assert "Origin" in answer["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer


def test_scripts_of_an_allowed_site_read_answers_and_errors(as_alice):
    for answer in (
        as_alice("GET", "/api/v1/tasks", Origin=APP),
        as_alice("GET", "/api/v1/tasks/nothing", Origin=APP),
        Client().get("/api/v1/tasks", headers={"origin": APP}),
    ):
        assert answer["Access-Control-Allow-Origin"] == APP
        exposed = answer["Access-Control-Expose-Headers"].split(", ")
        for header in (
            "ETag",
            "Link",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotency-Replayed",
            "Retry-After",
        ):
            assert header in exposed
        assert "X-Request-Id" in exposed
        assert "Origin" in answer["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "", f"{APP}:444", "http://app.example.com", f"{APP}.evil.com"]
)
def test_others_get_no_permission(as_alice, origin):
    assert cors(as_alice("GET", "/api/v1/tasks", Origin=origin)) == set()
    answer = preflight(origin=origin)
    assert (answer.status_code, cors(answer)) == (401, set())
    assert "Origin" in answer["Vary"]


@pytest.mark.parametrize("path", ["/", "/tasks/", "/health", "/api/openapi.json", "/login/"])
def test_nothing_but_the_api_is_shared(path):
    assert cors(preflight(path)) == set()
    assert cors(Client().get(path, headers={"origin": APP})) == set()


def test_there_are_none_by_default(settings, as_alice, monkeypatch):
    monkeypatch.delenv("CORS_ORIGINS", raising=False)
    settings.CORS_ORIGINS = env.origins("CORS_ORIGINS")
    assert frozenset() == settings.CORS_ORIGINS
    assert preflight().status_code == 401
    answer = as_alice("GET", "/api/v1/tasks", Origin=APP)
    assert cors(answer) == set()
    assert "Origin" not in answer.get("Vary", "")


@pytest.mark.parametrize(
    "given",
    [
        "https://app.example.com",
        "http://localhost:5173",
        "https://a.example.com, https://b.example.com:8443",
        "http://[::1]:80",
    ],
)
def test_origins_that_are_accepted(monkeypatch, given):
    monkeypatch.setenv("CORS_ORIGINS", given.replace(":80", ":8080"))
    assert len(env.origins("CORS_ORIGINS")) == given.count(",") + 1


@pytest.mark.parametrize(
    "given",
    [
        "*", "null", "app.example.com", "https://app.example.com/", "https://*.example.com", "https://App.example.com",
        "https://app.example.com:443", "http://app.example.com:80", "https://a.example.com https://b.example.com",
        "https://app.example.com/path", "ftp://app.example.com", "https://user@app.example.com", "https://", "https://a..b:0",
    ],
)  # fmt: skip
def test_origins_that_stop_the_start(monkeypatch, given):
    monkeypatch.setenv("CORS_ORIGINS", given)
    with pytest.raises(ImproperlyConfigured, match="CORS_ORIGINS"):
        env.origins("CORS_ORIGINS")

"""What every request gets: an id, headers, a log line; and no SQL"""

import io
import json
import logging as stdlib_logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from web import logging


@pytest.fixture
def lines():
    """What is logged meanwhile, parsed."""
    stream = io.StringIO()
    handler = stdlib_logging.StreamHandler(stream)
    handler.setFormatter(logging.JsonFormatter())
    root, requests = stdlib_logging.getLogger(), stdlib_logging.getLogger("todo_site.requests")
    root.addHandler(handler)
    requests.setLevel(stdlib_logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    requests.setLevel(stdlib_logging.NOTSET)
    root.removeHandler(handler)


def test_a_request_is_logged_without_what_was_searched_for(api, alice, lines):
    answer = api(alice).get("/api/v1/tasks?q=secret", headers={"x-request-id": "my-id.1"})
    assert answer["X-Request-ID"] == "my-id.1"
    (line,) = [line for line in lines() if line["component"] == "api"]
    assert line["duration_ms"] > 0
    assert "secret" not in json.dumps(line)
    assert line == {
        "timestamp": line["timestamp"],
        "level": "INFO",
        "request_id": "my-id.1",
        "user_id": alice.id,
        "component": "api",
        "operation": "GET api/v1/tasks",
        "duration_ms": line["duration_ms"],
        "status": 200,
        "message": "request",
        "metadata": {"query": {"q": "[6 characters]"}},
    }


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("refused todo_{}", "a" * 43),
        ("refused {}", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk"),
        ("Authorization: Bearer {}", "abc"),
        ("password={}", "hunter2"),
    ],
)
def test_a_secret_in_a_message_is_not_logged(lines, text, secret):
    stdlib_logging.getLogger().warning(text.format(secret), extra={"metadata": {"sent": text.format(secret)}})
    (line,) = lines()
    assert secret not in json.dumps(line)
    assert "[redacted]" in line["message"]
    assert "[redacted]" in line["metadata"]["sent"]


def test_the_request_id_reaches_the_item(api, alice):
    from tasks import selectors

    api(alice).post("/api/v1/tasks", {"title": "x"}, "application/json", headers={"x-request-id": "trail"})
    assert selectors.list_tasks(alice.id).items[0].request_id == "trail"


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, "new\\nline", "é"])
def test_unusable_request_ids_are_replaced(client, given):
    made = client.get("/health", headers={"x-request-id": given})["X-Request-ID"]
    assert len(made) == 32
    assert made != client.get("/health", headers={"x-request-id": given})["X-Request-ID"]


def test_security_headers(client):
    for path in ("/health", "/api/nope", "/api/v1/tasks"):
        answer = client.get(path)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/nope", "/api/openapi.json"])
def test_answers_of_the_api_are_files_to_a_browser(client, path):
    answer = client.get(path)
    assert answer["Content-Disposition"] == 'attachment; filename="api.json"'
    assert answer["Content-Type"].partition(";")[0] in {"application/json", "application/problem+json"}


def test_tokens_are_not_logged(lines):
    log = stdlib_logging.getLogger("anything")
    log.warning("got Bearer abc.def and eyJhbGciOi.eyJzdWIi.c2ln")
    try:
        raise ValueError("Bearer abc.def")
    except ValueError:
        log.exception("failed")
    text = json.dumps(lines())
    assert "abc.def" not in text
    assert "eyJ" not in text
    assert "ValueError" in text


def test_there_is_no_sql():
    ran = []
    with transaction.atomic():
        transaction.on_commit(lambda: ran.append(1))
    assert ran == [1]
    with pytest.raises(ImproperlyConfigured, match="no relational database"):
        connection.cursor()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/login/", "text/html; charset=utf-8"),
        ("/privacy/", "text/html; charset=utf-8"),
        ("/nowhere/", "text/html; charset=utf-8"),
        ("/api/v1/tasks", "application/problem+json"),
        ("/api/openapi.json", "application/json"),
        ("/health", "application/json"),
    ],
)
def test_every_answer_says_what_it_is(client, path, media_type):
    """JSON is UTF-8 and has no parameter for it (RFC 8259)."""
    assert client.get(path)["Content-Type"] == media_type

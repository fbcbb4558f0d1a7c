"""Bad input, and the one shape of errors"""

import gzip
import json

import pytest
from botocore.exceptions import ClientError

from tests.api.client import TASKS, assert_problem


def send(api, body, content_type="application/json", method="POST", **headers):
    return api.client.generic(method, TASKS, body, content_type, headers=headers)


def test_invalid_fields_are_a_problem_that_names_them(as_alice):
    problem = assert_problem(as_alice("POST", TASKS, {"titel": "x"}), 422, fields={"title", "titel"})
    assert problem["type"] == "urn:todo:problem:validation"
    assert problem["instance"] == TASKS


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"   ", 400),
        (b"{", 400),
        (b"title=x", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b'{"title": NaN}', 400),
        (b'{"title": "\\ud800"}', 400),
        (b'{"title": ' + b"[" * 100_000, 422),
        (b'{"title": ' + b"[" * 32 + b"]" * 32 + b"}", 422),
        (b'{"title": ' + b"[" * 31 + b"]" * 31 + b"}", 422),
        (b'{"title": [' + b"[], " * 100 + b"[]]}", 422),
        (b'{"title": ' + b"9" * 100_000 + b"}", 400),
        (b'{"title": ' + b"9" * 400 + b"}", 422),
        (b'{"title": "a\\u0000b"}', 422),
        (b'{"\\u0000": 1, "title": "x"}', 422),
        (b'{"title": "x", "tags": {"a": 1}}', 422),
        (b'{"title": {"$ne": null}}', 422),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bodies(as_alice, calls, body, status):
    assert_problem(send(as_alice, body), status)
    assert not calls


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"title": "x" * 201}, "Must be at most 200 characters; these are 201."),
        ({"title": " "}, "Must not be empty."),
        (
            {"title": "x", "status": "done"},
            "Must be one of 'pending', 'in_progress', 'completed', 'cancelled'.",
        ),
        ({"title": "x", "tags": ["a"] * 21}, "Must have at most 20 entries; these are 21."),
        ({"title": "x", "tags": "a"}, "Must be an array."),
        ({"title": "x", "checklist": [{"text": "a", "done": 1}]}, "Must be true or false."),
        ({"title": "x", "due_date": "soon"}, "Must be a date as YYYY-MM-DD, not before 1900."),
    ],
)
def test_messages_say_what_to_do(as_alice, body, message):
    assert [error["message"] for error in as_alice("POST", TASKS, body).json()["errors"]] == [message]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_other_content_types(as_alice, content_type):
    assert "application/json" in assert_problem(send(as_alice, b'{"title":"x"}', content_type), 415)["detail"]


@pytest.mark.parametrize("path", [TASKS, "/api/v1/import"])
def test_compressed_bodies(as_alice, path):
    body = gzip.compress(b'[{"title":"x"}]')
    answer = as_alice.client.generic(
        "POST", path, body, "application/json", headers={"Content-Encoding": "gzip"}
    )
    assert "Content-Encoding" in assert_problem(answer, 415)["detail"]
    assert answer["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/merge-patch+json", ""]
)
def test_content_types_of_json(as_alice, content_type):
    assert send(as_alice, b'{"title":"x"}', content_type).status_code == 201


def test_two_megabytes(as_alice, calls):
    assert_problem(send(as_alice, json.dumps({"title": "x" * 2_000_000}).encode()), 413)
    assert_problem(send(as_alice, json.dumps({"title": "x" * 900_000}).encode()), 422, fields={"title"})
    assert not calls


def test_chunks_without_a_length(as_alice):
    assert_problem(send(as_alice, b"", **{"Transfer-Encoding": "chunked"}), 411)


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nope", "/api/v2/tasks", f"{TASKS}/", "/api/v1/tasks/a/b", "/api/%00"]
)
def test_unknown_paths(as_alice, path):
    assert_problem(as_alice("GET", path), 404)


def test_below_the_stage_of_api_gateway(client):
    """Zappa says `/dev`, which CloudFront hides: it is no part of our addresses."""
    answer = client.get("/api/nope", SCRIPT_NAME="/dev")
    assert assert_problem(answer, 404)["instance"] == "/api/nope"
    assert answer["Cache-Control"] == "no-store"
    assert_problem(client.get(TASKS, SCRIPT_NAME="/dev"), 401)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", TASKS), ("POST", f"{TASKS}/x"), ("TRACE", TASKS), ("NONSENSE", TASKS)]
)
def test_unknown_methods(as_alice, method, path):
    answer = as_alice(method, path)
    assert_problem(answer, 405)
    assert {"GET", "HEAD"} <= {allowed.strip() for allowed in answer["Allow"].split(",")}


def test_more_parameters_than_anybody_needs(as_alice):
    query = "&".join(f"p{number}=1" for number in range(300))
    problem = assert_problem(as_alice("GET", f"{TASKS}?{query}"), 413)
    assert problem["detail"] == "The request has more than 200 fields or parameters. Send fewer."


def test_a_foreign_host(as_alice):
    assert_problem(as_alice("GET", TASKS, Host="evil.example"), 400)


def test_our_own_failure(as_alice, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("tasks.selectors.list_tasks", fail)
    answer = as_alice("GET", TASKS)
    assert_problem(answer, 500)
    assert b"secret detail" not in answer.content


def test_an_outage(as_alice, unreliable):
    from botocore.exceptions import EndpointConnectionError

    def down(call, arguments):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    unreliable("Query", down, times=9)
    answer = as_alice("GET", TASKS)
    assert_problem(answer, 503)
    assert answer["Retry-After"]


def said(code, message="", status=400):
    """Let AWS answer an operation with an error."""

    def refuse(call, arguments):
        answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "PutItem")

    return refuse


@pytest.mark.parametrize(
    ("trouble", "status", "kind"),
    [
        (said("ValidationException", "Item size has exceeded the maximum allowed size"), 413, "too-large"),
        (said("ValidationException", "One or more parameter values were invalid"), 500, "internal-error"),
        (said("AccessDeniedException", "not authorized to perform"), 500, "internal-error"),
        (said("ThrottlingException"), 503, "unavailable"),
        (said("ProvisionedThroughputExceededException"), 503, "unavailable"),
        (said("InternalServerError", status=500), 503, "unavailable"),
    ],
)
def test_what_aws_refuses_is_no_outage(as_alice, unreliable, trouble, status, kind):
    """To send such a request again would not help; it is not said to be worth a try."""
    as_alice("GET", "/api/v1/users")
    unreliable("PutItem", trouble, times=9)
    answer = as_alice("POST", TASKS, {"title": "x"})
    problem = assert_problem(answer, status)
    assert problem["type"] == f"urn:todo:problem:{kind}"
    assert ("Retry-After" in answer) == (status == 503)


def test_what_aws_says_of_our_faults_is_in_the_log_and_nowhere_else(as_alice, unreliable, caplog):
    as_alice("GET", "/api/v1/users")
    unreliable("PutItem", said("ValidationException", "One or more parameter values were invalid"), times=9)
    answer = as_alice("POST", TASKS, {"title": "x"})
    assert answer.status_code == 500
    assert "parameter values" not in answer.content.decode()
    assert "One or more parameter values were invalid" in caplog.text


def test_so_it_is_on_pages(client_for, alice, unreliable, caplog):
    browser = client_for(alice, raise_request_exception=False)
    unreliable("PutItem", said("ValidationException", "One or more parameter values were invalid"), times=9)
    unreliable("TransactWriteItems", said("ValidationException", "One or more parameter values"), times=9)
    page = browser.post("/tasks/", {"title": "x", "idempotency_key": "k"})
    assert page.status_code == 500
    assert "parameter values" not in page.content.decode()
    assert "Retry-After" not in page
    assert "One or more parameter values" in caplog.text


def test_what_aws_says_of_sizes_is_told_on_pages(client_for, alice, unreliable):
    browser = client_for(alice)
    for headers in ({}, {"HX-Request": "true"}):
        unreliable("TransactWriteItems", said("ValidationException", "Item size has exceeded"), times=1)
        page = browser.post("/tasks/", {"title": "x", "idempotency_key": "k"}, headers=headers)
        assert page.status_code == 413
        assert "This is too large to be done at once. Do it in smaller parts." in page.content.decode()

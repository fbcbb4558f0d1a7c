"""/api/v1/calendar"""

import base64
import json
import logging

import pytest
from django.test import Client
from icalendar import Calendar

from tests.api.client import Api, assert_problem

CALENDAR = "/api/v1/calendar"


def test_the_address_serves_the_feed(as_alice):
    as_alice.create(title="Due", due_date="2099-12-01")
    answer = as_alice("POST", CALENDAR)
    assert answer.status_code == 201
    url = answer.json()["url"]
    assert url.startswith("http://testserver/api/v1/calendar/todo_")
    assert as_alice("GET", CALENDAR).json().keys() == {"created_at"}

    program = Client()
    feed = program.get(url)
    assert feed.status_code == 200
    assert feed["Content-Type"] == "text/calendar; charset=utf-8"
    assert [str(event["summary"]) for event in Calendar.from_ical(feed.content).walk("VEVENT")] == ["Due"]
    assert program.get(url, headers={"if-none-match": feed["ETag"]}).status_code == 304
    assert program.head(url)["Content-Length"] == str(len(feed.content))

    assert as_alice("DELETE", CALENDAR).status_code == 204
    assert_problem(program.get(url), 404)
    assert_problem(as_alice("GET", CALENDAR), 404)
    assert_problem(as_alice("DELETE", CALENDAR), 404)


@pytest.mark.parametrize("headers", [{"HTTP_HOST": "testserver:1"}, {"HTTP_X_FORWARDED_PROTO": "https"}])
def test_the_address_is_the_public_one_whatever_the_request_says(api, alice, settings, headers):
    settings.APP_URL = "https://todo.example.com/base"
    url = api(alice).post(CALENDAR, **headers).json()["url"]
    assert url.startswith("https://todo.example.com/api/v1/calendar/todo_")


def test_a_new_address(as_alice):
    first, second = (as_alice("POST", CALENDAR).json()["url"] for _ in range(2))
    assert_problem(Client().get(first), 404)
    assert Client().get(second).status_code == 200


def test_addresses_that_nobody_was_given():
    for secret in (b"x" * 32 + b"u" * 4000, b"x" * 32 + b"\0", b"x" * 32 + b"\xff", b"x" * 32, b"", b"x"):
        token = base64.urlsafe_b64encode(secret).decode().rstrip("=")
        assert_problem(Client().get(f"{CALENDAR}/todo_{token}.ics"), 404)


def test_not_for_access_tokens(as_alice):
    made = as_alice("POST", "/api/v1/tokens", {"name": "x", "scope": "write"}).json()
    script = Api(Client(headers={"authorization": f"Bearer {made['token']}"}))
    assert_problem(script("POST", CALENDAR), 403)


def test_idempotency(as_alice):
    answers = [as_alice("POST", CALENDAR, Idempotency_Key="k") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1]["Idempotency-Replayed"] == "true"
    ends = [as_alice("DELETE", CALENDAR, Idempotency_Key="end") for _ in range(2)]
    assert [answer.status_code for answer in ends] == [204, 204]


def test_the_address_is_not_logged(as_alice, caplog):
    url = as_alice("POST", CALENDAR).json()["url"]
    secret = url.rpartition("/")[2].removesuffix(".ics")
    from web.logging import JsonFormatter

    with caplog.at_level(logging.INFO):
        assert Client().get(url).status_code == 200
        Client().get(url + "x")
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any(json.loads(line)["operation"].endswith(".ics") for line in lines)
    assert secret[10:] not in "".join(lines)

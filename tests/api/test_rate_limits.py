"""Rate limits: per person and minute, counted in the table"""

import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from store import rate_limits
from tests.api.client import TASKS, assert_problem
from tests.dynamodb import stored

NOW = 1_800_000_000 + 15  # 15 seconds into a minute


def at(monkeypatch, moment):
    """Let allowances be counted at this moment; the rest of the product has its own clock."""
    monkeypatch.setattr("identity.allowance.time", SimpleNamespace(time=lambda: moment))


@pytest.fixture(autouse=True)
def limit(settings, monkeypatch):
    settings.RATE_LIMIT_PER_MINUTE = 20
    at(monkeypatch, NOW)
    rate_limits.forget()
    yield 20
    rate_limits.forget()


def test_the_request_after_the_last_allowed_one_is_refused(as_alice):
    answers = [as_alice("GET", TASKS) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[0]["RateLimit-Policy"] == '"default";q=20;w=60'
    assert answers[0]["RateLimit"] == '"default";r=19;t=45'
    assert answers[-2]["RateLimit"] == '"default";r=0;t=45'
    problem = assert_problem(answers[-1], 429)
    assert problem["type"] == "urn:todo:problem:rate-limit"
    assert answers[-1]["Retry-After"] == "45"


def test_the_next_minute_is_a_new_one(as_alice, monkeypatch):
    for _ in range(21):
        as_alice("GET", TASKS)
    at(monkeypatch, NOW + 45)
    assert as_alice("GET", TASKS)["RateLimit"] == '"default";r=19;t=60'


def test_everybody_has_their_own(as_alice, as_bob):
    for _ in range(21):
        as_alice("GET", TASKS)
    assert as_bob("GET", TASKS).status_code == 200


def test_it_costs_one_call_more_at_most(settings, as_alice, calls):
    settings.RATE_LIMIT_PER_MINUTE = 6000
    costs = []
    for _ in range(200):
        calls.clear()
        as_alice("GET", TASKS)
        costs.append(calls["UpdateItem"])
    assert max(costs) == 1
    assert sum(costs) == 11  # shares of 1, 2, 4, 8, 16, 32, 32 …
    settings.RATE_LIMIT_PER_MINUTE = 0
    calls.clear()
    assert "RateLimit" not in as_alice("GET", TASKS)
    assert calls.names == ["Query"]


def test_a_flood_costs_nothing(as_alice, calls):
    for _ in range(21):
        as_alice("GET", TASKS)
    calls.clear()
    for _ in range(50):
        assert as_alice("GET", TASKS).status_code == 429
    assert not calls


def test_several_processes_share_one_counter(limit):
    """Each forgets what others have drawn; none may go beyond, and hardly anything is left unused."""
    allowed = 0
    for _ in range(60):
        rate_limits.forget()
        allowed += rate_limits.take("several", limit, NOW).allowed
    assert allowed == limit


def test_many_threads_at_once(limit):
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: rate_limits.take("threads", limit, NOW).allowed, range(100)))
    assert sum(taken) == limit


def test_counters_expire(as_alice, alice):
    as_alice("GET", TASKS)
    item = stored(f"RATE#{alice.id}", f"HOUR#{NOW // 3600:08}")
    assert item["expires_at"] == (NOW // 3600 + 25) * 3600
    assert item[f"m{NOW // 60 % 60:02}"] == 1


def test_what_was_used_in_a_day_is_known_at_no_further_write(as_alice, alice, monkeypatch, calls):
    hour = 3600
    for moment, requests in ((NOW - 24 * hour, 3), (NOW - 23 * hour, 5), (NOW - hour, 9), (NOW, 2)):
        at(monkeypatch, moment)
        for _ in range(requests):
            as_alice("GET", TASKS)
    calls.clear()
    day = rate_limits.last_day(alice.id, NOW)
    assert calls.names == ["Query"]
    assert (day.units, day.most) == (5 + 9 + 2, 9)
    assert day.most_at.timestamp() == (NOW - hour) // 60 * 60
    assert rate_limits.used(alice.id, NOW) == 2
    assert rate_limits.used(alice.id, NOW - hour) == 9
    assert rate_limits.last_day("nobody", NOW) == rate_limits.Day()


def test_anonymous_requests_are_not_counted(client, calls):
    assert client.get(TASKS).status_code == 401
    assert not calls


def test_a_table_in_trouble_does_not_stop_the_service(as_alice, unreliable):
    from botocore.exceptions import EndpointConnectionError

    def down(call, arguments):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    unreliable("UpdateItem", down, times=9)
    assert as_alice("GET", TASKS).status_code == 200


# --- What does the work of many weighs as many ---


def left(answer):
    return int(re.search(r"r=(\d+)", answer["RateLimit"])[1])


def batch(number):
    return {"operations": [{"op": "create", "task": {"title": "x"}}] * number}


def test_a_batch_weighs_its_operations(as_alice):
    answer = as_alice("POST", f"{TASKS}/batch", batch(15))
    assert (answer.status_code, left(answer)) == (200, 5)
    refused = as_alice("POST", f"{TASKS}/batch", batch(6))
    problem = assert_problem(refused, 429)
    assert problem["type"] == "urn:todo:problem:rate-limit"
    assert problem["detail"] == (
        "This does the work of 5 requests, and 4 of 20 are left in this minute. Send it again in 45 seconds."
    )
    assert refused["Retry-After"] == "45"
    assert as_alice("GET", TASKS).status_code == 200, "what is left is for lighter ones"
    assert len(as_alice("GET", TASKS).json()) == 15


def test_what_weighs_more_than_there_is_takes_all_of_it(as_alice, monkeypatch):
    first = as_alice("POST", f"{TASKS}/batch", batch(25))
    assert (first.status_code, left(first)) == (200, 0)
    assert as_alice("GET", TASKS).status_code == 429
    at(monkeypatch, NOW + 45)
    assert as_alice("GET", TASKS).status_code == 200
    assert as_alice("POST", f"{TASKS}/batch", batch(25)).status_code == 429, "it needs a whole minute's"


@pytest.mark.parametrize(("query", "weight"), [("", 12), ("?dry_run=true", 2)])
def test_an_import_weighs_its_rows(as_alice, query, weight):
    rows = [{"title": f"Task {number}"} for number in range(12)]
    answer = as_alice("POST", f"/api/v1/import{query}", rows)
    assert (answer.status_code, left(answer)) == (200, 20 - weight)


def test_lists_and_exports_weigh_the_queries_that_they_read(as_alice, monkeypatch):
    as_alice("POST", f"{TASKS}/batch", batch(12))
    at(monkeypatch, NOW + 60)
    assert left(as_alice("GET", f"{TASKS}?updated_since=2020-01-01T00:00:00Z")) == 20 - 2
    monkeypatch.setattr("tasks.transfer.exporting.PAGE", 4)
    assert left(as_alice("GET", "/api/v1/export")) == 18 - 3
    export = as_alice("POST", "/api/v1/exports", {"format": "json"})
    assert left(export) == 14
    assert left(as_alice("POST", f"{export['Location']}/continue")) == 14 - 3


# --- Pages and the feed ---


@pytest.fixture
def browser(client_for, alice, settings):
    client = client_for(alice)
    settings.PAGE_LIMIT_PER_MINUTE = 20
    return client


def test_pages_have_an_allowance_of_their_own(browser, as_alice):
    assert [browser.get("/trash/").status_code for _ in range(21)] == [200] * 20 + [429]
    page = browser.get("/trash/")
    assert page["Retry-After"] == "45"
    assert "More than 20 requests in a minute. Go on in 45 seconds." in page.content.decode()
    assert browser.post("/tasks/", {"title": "x"}, headers={"HX-Request": "true"}).status_code == 429
    assert as_alice("GET", TASKS).json() == []
    assert browser.get("/health").status_code == 200


def test_a_page_that_does_much_weighs_as_much(browser, as_alice, settings):
    settings.RATE_LIMIT_PER_MINUTE = 0
    ids = [as_alice.create()["id"] for _ in range(15)]
    text = browser.post("/tasks/bulk/", {"do": "complete", "ids": ids}, headers={"HX-Request": "true"})
    assert text.status_code == 200
    refused = browser.post("/tasks/bulk/", {"do": "reopen", "ids": ids[:8]}, headers={"HX-Request": "true"})
    assert refused.status_code == 429
    assert "This does the work of 7 requests, and 4 of 20 are left" in refused.content.decode()
    rows = "\n".join(["title", *(f"Row {n}" for n in range(12))])
    file = SimpleUploadedFile("tasks.csv", rows.encode(), "text/csv")
    answer = browser.post("/account/data/", {"file": file})
    assert (answer.status_code, len(as_alice("GET", TASKS).json())) == (422, 15)
    assert "Send it again in 45 seconds." in answer.content.decode()


def test_a_calendar_feed_is_read_so_often(as_alice, client, settings):
    settings.FEED_LIMIT_PER_MINUTE = 2
    path = urlsplit(as_alice("POST", "/api/v1/calendar").json()["url"]).path
    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]
    assert as_alice("GET", TASKS).status_code == 200


def test_undoing_and_emptying_the_trash_weigh_their_tasks(browser, as_alice, settings, monkeypatch):
    settings.RATE_LIMIT_PER_MINUTE = 0
    htmx = {"HX-Request": "true"}
    ids = [as_alice.create()["id"] for _ in range(8)]
    deleted = browser.post("/tasks/bulk/", {"do": "delete", "ids": ids}, headers=htmx).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', deleted)[1]
    assert browser.post("/tasks/undo/", {"token": token}, headers=htmx).status_code == 200
    assert browser.post("/tasks/undo/", {"token": token}, headers=htmx).status_code == 429, "8 and 8 of 20"
    at(monkeypatch, NOW + 60)
    for each in ids:
        as_alice("DELETE", f"{TASKS}/{each}")
    browser.post("/trash/empty/")
    assert [browser.get("/trash/").status_code for _ in range(13)] == [200] * 12 + [429]

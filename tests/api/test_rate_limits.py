"""Rate limits: per person and minute, counted in the table"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from store import rate_limits
from tests.api.client import TASKS, assert_problem
from tests.dynamodb import stored

NOW = 1_800_000_000 + 15  # 15 seconds into a minute


@pytest.fixture(autouse=True)
def limit(settings, monkeypatch):
    settings.RATE_LIMIT_PER_MINUTE = 20
    monkeypatch.setattr("identity.api.authentication.time.time", lambda: NOW)
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
    monkeypatch.setattr("identity.api.authentication.time.time", lambda: NOW + 45)
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
    item = stored(f"RATE#{alice.id}#{NOW // 60}", "METADATA")
    assert item["expires_at"] == (NOW // 60 + 2) * 60
    assert item["used"] == 1


def test_anonymous_requests_are_not_counted(client, calls):
    assert client.get(TASKS).status_code == 401
    assert not calls


def test_a_table_in_trouble_does_not_stop_the_service(as_alice, unreliable):
    from botocore.exceptions import EndpointConnectionError

    def down(call, arguments):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    unreliable("UpdateItem", down, times=9)
    assert as_alice("GET", TASKS).status_code == 200

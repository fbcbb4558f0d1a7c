"""Whose access has ended: known without a call on any request's path"""

import os
import threading
import time
from collections import Counter

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from django.conf import settings
from django.test import Client

from identity import access_tokens, administration, calendar_address, profiles, revocations
from identity.clock_guard import ClockGuard
from identity.errors import IdentityUnavailable
from identity.revocations import Revocations
from store.writing import write
from tasks import services
from tests.roles import OWNER

TASKS = "/api/v1/tasks"


@pytest.fixture
def calls_of_all_clients(monkeypatch):
    """Count the calls to AWS of every client and every thread of this process."""
    counted, call = Counter(), BaseClient._make_api_call

    def count(self, operation, arguments):
        counted[operation] += 1
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return counted


@pytest.fixture
def profile(ctx):
    """Return a function that returns somebody's stored profile."""

    def stored(account):
        if profiles.get_profile(account.id) is None:
            profiles.ensure_profile(ctx(account), {"email": account.email, "username": account.username})
        return profiles.get_profile(account.id)

    return stored


@pytest.fixture
def another_process():
    """Return a function that returns the list as another process would cache it; it ends with the test."""
    made = []

    def start():
        made.append(
            ClockGuard(
                "revocations", revocations._read, lambda: settings.REVOCATIONS_SECONDS, idle_seconds=30
            )
        )
        return made[-1]

    yield start
    for each in made:
        each.clear()


def bearer(secret):
    return Client(headers={"authorization": f"Bearer {secret}"})


def test_requests_make_no_call_to_find_out(alice, api, client_for, ctx, settings, calls_of_all_clients):
    """What requests ask of AWS besides the one call of their operation: nothing, or the browser's session."""
    # The threads that read ahead have their own tests.
    settings.REVOCATIONS_SECONDS = settings.WORKSPACE_SECONDS = 3600
    for thread in threading.enumerate():  # of the tests before, which may still be reading
        if thread.name in {"revocations", "workspace"}:
            thread.join(timeout=10)
    revocations.cached.forget()
    revocations.cached.get()
    task = services.create_task(ctx(alice), {"title": "x"}).task
    script = bearer(access_tokens.create(ctx(alice), "script")[1])
    own = {api(alice): 0, script: 0, client_for(alice): 1}
    for client, more in own.items():
        client.get(f"{TASKS}/{task.id}")
        calls_of_all_clients.clear()
        for _ in range(20):
            assert client.get(f"{TASKS}/{task.id}").status_code == 200
            assert client.get(TASKS).status_code == 200
        assert calls_of_all_clients == {"GetItem": 20 + 40 * more, "Query": 20}


def test_another_process_learns_it_by_itself(alice, ctx, profile, settings, another_process):
    settings.REVOCATIONS_SECONDS = 0.1
    elsewhere = another_process()
    assert elsewhere.get().of(alice.id) is None
    administration.disable_user(ctx(alice), profile(alice))
    deadline = time.monotonic() + 20
    while not elsewhere.peek().of(alice.id):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_list_that_is_too_old_is_waited_for(alice, ctx, profile, settings, another_process):
    settings.REVOCATIONS_SECONDS = 3600
    elsewhere = another_process()
    assert elsewhere.get().of(alice.id) is None
    administration.sign_out_everywhere(ctx(alice), profile(alice))
    assert elsewhere.get().of(alice.id) is None
    settings.REVOCATIONS_SECONDS = 0
    assert elsewhere.get().of(alice.id)


def test_only_what_is_new_is_read_again(alice, bob, monkeypatch, another_process):
    """Bob's entry was written long before the last read, so it is known but not read again."""
    process = another_process()
    write([revocations.record(alice.id, "r", 1_900_000_000)])
    with monkeypatch.context() as earlier:
        earlier.setattr(revocations, "_stamp", lambda _: "2020-01-01T00:00:00.000000Z")
        write([revocations.record(bob.id, "r", 1_900_000_000)])
    read, entries = [], revocations._entries

    def remember(since):
        found = dict(entries(since))
        read.append(found)
        return found.items()

    monkeypatch.setattr(revocations, "_entries", remember)
    for _ in range(2):
        process.forget()
        assert process.get().of(alice.id)
        assert process.get().of(bob.id)
    first, last = (Revocations(entries) for entries in (read[0], read[-1]))
    assert first.of(bob.id)
    assert not last.of(bob.id)
    assert last.of(alice.id)


def test_a_process_that_cannot_read_it_lets_nobody_in(alice, api, monkeypatch, settings, another_process):
    """Neither at first nor later: an old list would let in whoever was revoked since."""
    client, known = api(alice), another_process()
    assert client.get(TASKS).status_code == 200
    known.get()

    def unreachable(*_, **__):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(revocations, "query_all", unreachable)
    monkeypatch.setattr(revocations, "READ_SECONDS", 0.5)
    settings.REVOCATIONS_SECONDS = 0.1
    time.sleep(0.2)
    for process in (another_process(), known):
        with pytest.raises(IdentityUnavailable):
            process.get()
    revocations.cached.forget()
    assert client.get(TASKS).status_code == 503


def test_within_its_bound_a_list_that_cannot_be_read_again_counts(
    alice, monkeypatch, settings, another_process
):
    settings.REVOCATIONS_SECONDS = 3600
    known = another_process()
    first = known.get()

    def unreachable(*_, **__):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(revocations, "query_all", unreachable)
    assert known.get() is first


def test_a_process_waits_for_its_first_list(alice, monkeypatch, another_process):
    write([revocations.record(alice.id, "r", 1_900_000_000)])
    tried, entries = [], revocations._entries

    def at_the_second_try(since):
        tried.append(since)
        if len(tried) == 1:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return entries(since)

    monkeypatch.setattr(revocations, "_entries", at_the_second_try)
    assert another_process().get().of(alice.id)


def test_signing_out_everywhere_leaves_what_its_owner_made(alice, api, client_for, ctx, profile):
    token, browser = api(alice), client_for(alice)
    script = bearer(access_tokens.create(ctx(alice), "script")[1])
    feed = Client()
    path = f"/api/v1/calendar/{calendar_address.enable(ctx(alice))}.ics"
    administration.sign_out_everywhere(ctx(alice), profile(alice))
    assert token.get(TASKS).status_code == 401
    assert browser.get("/").status_code == 302
    assert script.get(TASKS).status_code == 200
    assert feed.get(path).status_code == 200


def test_disabling_ends_everything(alice, api, client_for, ctx, profile):
    token, browser = api(alice), client_for(alice)
    script = bearer(access_tokens.create(ctx(alice), "script")[1])
    path = f"/api/v1/calendar/{calendar_address.enable(ctx(alice))}.ics"
    assert script.get(TASKS).status_code == 200
    administration.disable_user(ctx(alice), profile(alice))
    assert token.get(TASKS).status_code == 401
    assert browser.get("/").status_code == 302
    assert script.get(TASKS).status_code == 401
    assert Client().get(path).status_code == 404
    assert access_tokens.list_tokens(alice.id) == []
    assert calendar_address.get(alice.id) is None


@pytest.mark.parametrize("path", ["/api/v1/tokens", "/api/v1/calendar"])
def test_what_is_made_before_a_process_knows_does_not_outlive_it(
    alice, api, ctx, profile, settings, monkeypatch, path, another_process
):
    """Another process still takes the token for good: it gets no secret for it, now or later."""
    client = api(alice)
    settings.REVOCATIONS_SECONDS = 3600
    monkeypatch.setattr(revocations, "cached", another_process())  # the old one's thread may be about to read
    assert client.get(TASKS).status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr(revocations.cached, "forget", lambda: None)
        administration.disable_user(ctx(alice), profile(alice))
    assert client.get(TASKS).status_code == 200
    answer = client.post(path, {"name": "x"}, content_type="application/json")
    assert answer.status_code == 401
    assert "invalid_token" in answer["WWW-Authenticate"]
    assert access_tokens.list_tokens(alice.id) == []
    assert calendar_address.get(alice.id) is None


def test_a_session_begun_meanwhile_ends_too(alice, client_for, ctx, profile, monkeypatch):
    """The index by owner shows it a moment too late to be deleted with the others."""
    browser = client_for(alice)
    monkeypatch.setattr("identity.sessions.of_person", lambda user_id: [])
    administration.disable_user(ctx(alice), profile(alice))
    revocations.revoked(person_of(alice))  # the list is up to date
    assert browser.get("/").status_code == 302


def person_of(account):
    from identity.users import Person

    return Person(id=account.id, email="", username=account.username, name="")


def test_a_revocation_from_before_there_were_digests_still_counts(alice, another_process):
    moment = int(time.time())
    old = {"PK": "REVOCATIONS", "SK": f"USER#{alice.id}", "entity_type": "REVOCATION", "user_id": alice.id}
    item = {name: {"S": value} for name, value in old.items()}
    item |= {name: {"N": str(value)} for name, value in {"until": moment, "expires_at": moment + 600}.items()}
    item |= {"wholly": {"BOOL": True}, "request_id": {"S": "r"}, "updated_at": {"S": "2026-01-01T00:00:00Z"}}
    OWNER.client("dynamodb").put_item(TableName=os.environ["TABLE_NAME"], Item=item)
    assert another_process().get().of(alice.id).until == moment


def test_a_revocation_does_not_say_whose_it_is(alice):
    write([revocations.record(alice.id, "r", time.time())])
    pages = OWNER.client("dynamodb").get_paginator("scan").paginate(TableName=os.environ["TABLE_NAME"])
    kept = [item for page in pages for item in page["Items"] if item["PK"]["S"] == "REVOCATIONS"]
    assert kept
    assert alice.id not in str([item for item in kept if not item["SK"]["S"].startswith("USER#")])

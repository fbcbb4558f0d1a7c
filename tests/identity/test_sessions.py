"""Sessions: when they end, and changing what they know."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.test import Client

from identity import browsers, sessions, tries


def test_a_revision_reaches_every_session_of_the_person_only(alice, bob, client_for):
    here, there, others = client_for(alice), client_for(alice), client_for(bob)
    sessions.revise(alice.id, lambda data: data | {"colour": "green"})
    assert [browser.session.get("colour") for browser in (here, there, others)] == ["green", "green", None]


def test_what_a_session_learns_meanwhile_stays(alice, client_for):
    browser, tried = client_for(alice), []

    def change(data):
        tried.append(data)
        if len(tried) == 1:
            learned(browser, shape="round")
        return data | {"colour": "green"}

    sessions.revise(alice.id, change)
    assert len(tried) == 2
    assert (browser.session["shape"], browser.session["colour"]) == ("round", "green")


def test_a_session_that_ends_meanwhile_stays_ended(alice, client_for):
    browser = client_for(alice)

    def change(data):
        browser.post("/logout/")
        return data | {"colour": "green"}

    sessions.revise(alice.id, change)
    assert list(sessions.of_person(alice.id)) == []
    assert browser.get("/").status_code == 302


HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def later(monkeypatch):
    """Return a function that lets seconds pass for the sessions."""
    passed = [0]
    monkeypatch.setattr(sessions, "time", SimpleNamespace(time=lambda: time.time() + passed[0]))

    def pass_by(seconds: int) -> None:
        passed[0] += seconds

    return pass_by


def is_signed_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


def test_a_session_ends_that_is_not_used(alice, client_for, later):
    browser = client_for(alice)
    later(3 * DAY - HOUR)
    assert is_signed_in(browser)
    later(3 * DAY + HOUR)
    assert not is_signed_in(browser)


def test_a_session_that_is_used_every_day_ends_after_two_weeks(alice, client_for, later):
    browser = client_for(alice)
    for _ in range(13):
        later(DAY)
        assert is_signed_in(browser)
    later(DAY)
    assert not is_signed_in(browser)


def test_use_is_remembered_every_few_hours_only(alice, client_for, later, calls):
    browser = client_for(alice)
    browser.get("/")
    later(HOUR)
    calls.clear()
    browser.get("/")
    assert "PutItem" not in calls
    later(3 * HOUR)
    browser.get("/")
    assert calls["PutItem"] == 1


def test_a_person_has_so_many_sessions_and_the_oldest_ends(alice, bob, client_for, later, monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 3)
    others, first, *rest = client_for(bob), *(client_for(alice) for _ in range(3))
    assert is_signed_in(first)
    time.sleep(1)  # sessions are ordered by seconds
    newest = client_for(alice)
    signed_in = [is_signed_in(browser) for browser in (first, *rest)]
    assert signed_in.count(False) == 1
    assert is_signed_in(newest)
    assert is_signed_in(others)
    assert len(browsers.signed_in(alice.id, newest.session.session_key)) == 3


def test_an_expired_session_takes_no_place(alice, client_for, later, monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 2)
    client_for(alice)
    later(2 * DAY)
    kept = client_for(alice)
    later(2 * DAY)
    client_for(alice)
    assert is_signed_in(kept)


def test_no_session_escapes_the_count_when_many_sign_in_at_once(alice, monkeypatch):
    """Those that others end before they are answered are told that their session is gone."""
    monkeypatch.setattr(sessions, "MOST", 3)
    monkeypatch.setattr(tries, "ACCOUNT_MOST", 12)
    form = {"identifier": alice.email, "password": alice.password}

    def sign_in(_):
        browser = Client(raise_request_exception=False)
        return browser, browser.post("/login/", form).status_code

    with ThreadPoolExecutor(12) as pool:
        tried = list(pool.map(sign_in, range(12)))
    assert {status for _browser, status in tried} <= {302, 400}
    assert len(list(sessions.of_person(alice.id))) == 3
    assert sum(is_signed_in(browser) for browser, status in tried if status == 302) == 3


def learned(browser: Client, **more) -> None:
    session = browser.session
    session.update(more)
    session.save()

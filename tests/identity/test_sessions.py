"""Sessions: when they end, and changing what they know."""

import time
from types import SimpleNamespace

import pytest
from django.test import Client

from identity import sessions


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
    assert sessions.of_person(alice.id) == []
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


def learned(browser: Client, **more) -> None:
    session = browser.session
    session.update(more)
    session.save()

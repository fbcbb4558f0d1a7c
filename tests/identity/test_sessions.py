"""Changing what the sessions of a person know."""

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
    assert list(sessions.of_person(alice.id)) == []
    assert browser.get("/").status_code == 302


def learned(browser: Client, **more) -> None:
    session = browser.session
    session.update(more)
    session.save()

"""What a new password ends: everything after a reset, the other browsers after a change, programs if one says so."""

import re
import uuid
from dataclasses import dataclass

import pytest
from django.test import Client

from tests.conftest import PASSWORD
from tests.web.conftest import read
from tests.web.totp import totp

NEW = "Better-horse-10"
SECURITY = "/account/security/"


@dataclass
class Thief:
    """Everything that somebody can have of an account before its password changes."""

    browser: Client
    token: str
    access_token: str
    calendar: str

    def still_has(self) -> set[str]:
        """Return what still works."""
        tried = {
            "browser": self.browser.get("/").status_code == 200,
            "token": _api(self.token) == 200,
            "access token": _api(self.access_token) == 200,
            "calendar": Client().get(self.calendar).status_code == 200,
        }
        return {name for name, works in tried.items() if works}


def _api(token: str) -> int:
    return Client().get("/api/v1/tasks", headers={"authorization": f"Bearer {token}"}).status_code


@pytest.fixture
def thief(alice, client_for, token_for):
    browser = client_for(alice)
    made = read(browser.post("/account/access/", {"name": "backup", "scope": "write", "days": "366"}))
    secret = re.search(r'id="new-token">([^<]+)<', made.html)[1]
    feed = read(browser.post("/account/access/feed/")).html
    calendar = re.search(r"http://testserver(/api/v1/[^\"<]+\.ics)", feed)[1]
    found = Thief(browser, token_for(alice), secret, calendar)
    assert found.still_has() == {"browser", "token", "access token", "calendar"}
    return found


def test_a_reset_ends_everything(client, alice, thief):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(reset)).html)[1]
    answer = client.post(reset, {"code": code, "password": NEW})
    assert answer["Location"] == "/login/"
    assert thief.still_has() == set()
    again = client.post("/login/", {"identifier": alice.email, "password": NEW}, follow=True)
    assert "Every browser, program, access token and calendar address was signed out." in read(again).text
    assert client.get("/").status_code == 200


def test_a_change_ends_the_others_and_leaves_programs(browser, thief):
    form = {"password": PASSWORD, "new_password": NEW}
    answer = browser.post(SECURITY, form, follow=True)
    assert "All other browsers are signed out; access tokens stay." in read(answer).text
    assert thief.still_has() == {"access token", "calendar"}
    assert browser.get("/").status_code == 200


def test_a_change_ends_programs_if_one_says_so(browser, thief):
    form = {"password": PASSWORD, "new_password": NEW, "programs": "on"}
    answer = browser.post(SECURITY, form, follow=True)
    assert "Every other browser, program, token and calendar was signed out." in read(answer).text
    assert thief.still_has() == set()
    assert browser.get("/").status_code == 200


def test_the_session_has_a_new_key_after_a_change(browser):
    before = browser.cookies["session"].value
    browser.post(SECURITY, {"password": PASSWORD, "new_password": NEW})
    old = Client()
    old.cookies["session"] = before
    assert browser.cookies["session"].value != before
    assert old.get("/").status_code == 302


def test_a_wrong_password_ends_nothing(browser, thief):
    assert browser.post(SECURITY, {"password": "wrong", "new_password": NEW}).status_code == 422
    assert thief.still_has() == {"browser", "token", "access token", "calendar"}


def test_a_stranger_ends_nothing(client, alice, thief):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    assert client.post(reset, {"code": "000000", "password": NEW}).status_code == 422
    nobody = client.post("/password/forgotten/", {"identifier": f"{uuid.uuid4()}@example.com"})["Location"]
    assert client.post(nobody, {"code": "123456", "password": NEW}).status_code == 422
    assert thief.still_has() == {"browser", "token", "access token", "calendar"}


def test_the_code_of_the_app_is_asked_for(browser, thief):
    begun = read(browser.post(f"{SECURITY}second-factor/", {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
    enrolled = {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)}
    browser.post(f"{SECURITY}second-factor/", enrolled)
    form = {"password": PASSWORD, "new_password": NEW}
    for code in ({}, {"code": "000000"}):
        assert browser.post(SECURITY, form | code).status_code == 422
    assert thief.still_has() >= {"access token", "calendar"}
    assert browser.post(SECURITY, form | {"code": totp(secret)}).status_code == 302

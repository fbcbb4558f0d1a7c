"""Notices by e-mail: of every change to how somebody signs in, in their language, and never in the way of it."""

import os
import re

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from django.test import Client

from identity import access_tokens, accounts, administration, directory, notices, preferences, profiles
from identity.errors import CodeExpired
from tests.conftest import PASSWORD
from tests.mails import mails_to, subjects_to
from tests.web.conftest import read
from tests.web.totp import totp
from web import mail

NEW = "Better-horse-10"
SECURITY, ACCESS = "/account/security/", "/account/access/"
FACTOR = f"{SECURITY}second-factor/"


@pytest.fixture
def browser(client_for, alice):
    return client_for(alice)


@pytest.fixture
def profile(ctx, alice):
    """Alice's profile, as an admin's page has it."""
    given = {"username": alice.username, "email": alice.email}
    return profiles.ensure_profile(ctx(alice), given)[0]


def enrol(browser):
    """Set up a second factor; return its secret and the recovery codes."""
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1].replace(" ", "")
    done = browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    return secret, re.findall(r"<li><code>([a-z0-9-]+)</code></li>", done.content.decode())


def test_a_change_of_the_password(browser, alice):
    browser.post(SECURITY, {"password": PASSWORD, "new_password": NEW})
    (sent,) = mails_to(alice.email)
    assert sent["Subject"] == "Todo: Your password was changed"
    assert sent["Source"] == os.environ["MAIL_SENDER"]
    text = sent["BodyText"]
    assert re.search(r"This happened on \d{4}-\d\d-\d\d at \d\d:\d\d UTC\.", text)
    assert "http://testserver/password/forgotten/\nhttp://testserver/account/security/\n" in text
    assert not [
        secret for secret in (PASSWORD, NEW, alice.name, alice.username, alice.email) if secret in text
    ]


def test_a_reset(client, alice):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(reset)).html)[1]
    client.post(reset, {"code": code, "password": NEW})
    assert subjects_to(alice.email)[1:] == ["Todo: Your password was changed"]


def test_a_second_factor_its_codes_and_its_end(browser, alice):
    _, codes = enrol(browser)
    fresh = browser.post(FACTOR, {"password": PASSWORD, "act": "codes", "code": codes[0]})
    code = re.search(r"<li><code>([a-z0-9-]+)</code></li>", fresh.content.decode())[1]
    browser.post(FACTOR, {"password": PASSWORD, "act": "stop", "code": code})
    assert subjects_to(alice.email) == [
        "Todo: A second step was set up",
        "Todo: A recovery code was used",
        "Todo: New recovery codes were made",
        "Todo: A recovery code was used",
        "Todo: The second step was switched off",
    ]
    assert not [mail for mail in mails_to(alice.email) if set(codes) & set(mail["BodyText"].split())]


def test_a_code_of_the_app_works_once_and_its_owner_is_told_of_another_try(browser, alice):
    secret, _ = enrol(browser)
    code = totp(secret)

    def sign_in(given):
        client = Client()
        client.post("/login/", {"identifier": alice.email, "password": PASSWORD})
        return client.post("/login/code/", {"code": given})

    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert [sign_in(given).status_code for given in (wrong, wrong, code)] == [422, 422, 302]
    assert subjects_to(alice.email) == ["Todo: A second step was set up"]
    again = sign_in(code)
    assert (again.status_code, "That code is not correct." in read(again).text) == (422, True)
    assert subjects_to(alice.email)[1:] == ["Todo: A code of your app was used a second time"]


def test_a_code_that_cognito_refuses_the_second_time_is_told_of_too(browser, alice, monkeypatch):
    secret, _ = enrol(browser)
    code, client = totp(secret), Client()
    client.post("/login/", {"identifier": alice.email, "password": PASSWORD})
    assert client.post("/login/code/", {"code": code}).status_code == 302

    def refused(*_):
        raise CodeExpired

    monkeypatch.setattr(accounts, "_answered", refused)
    client = Client()
    client.post("/login/", {"identifier": alice.email, "password": PASSWORD})
    assert client.post("/login/code/", {"code": code}).status_code == 422
    assert subjects_to(alice.email)[1:] == ["Todo: A code of your app was used a second time"]


def test_an_admin_removes_a_second_factor(alice, ctx, profile):
    administration.remove_second_factor(ctx(alice), profile)
    assert subjects_to(alice.email) == ["Todo: The second step was removed"]


def test_an_admin_changes_the_address(alice, ctx, profile):
    administration.change_user(ctx(alice), profile, {"email": f"new-{alice.email}"})
    assert subjects_to(alice.email) == ["Todo: Your e-mail address was changed"]
    assert subjects_to(f"new-{alice.email}") == []


def test_access_for_programs(browser, alice):
    form = read(browser.get(ACCESS)).fields
    made = {"key": form["key"], "name": "Steal it <b>", "scope": "write", "days": "7"}
    secret = re.search(r'id="new-token">([^<]+)<', read(browser.post(ACCESS, made)).html)[1]
    browser.post(ACCESS, made)  # the same again makes none
    browser.post(f"{ACCESS}feed/")
    browser.post(f"{ACCESS}feed/", {"stop": "1"})
    assert subjects_to(alice.email) == [
        "Todo: An access token was made",
        "Todo: Your calendar feed has a new address",
    ]
    told = "".join(mail["BodyText"] for mail in mails_to(alice.email))
    assert secret not in told
    assert "Steal it" not in told


def test_access_for_programs_over_the_api(api, alice):
    made = api(alice).post("/api/v1/tokens", {"name": "x"}, content_type="application/json")
    assert made.status_code == 201
    assert subjects_to(alice.email) == ["Todo: An access token was made"]


def test_in_the_language_of_the_person(alice, ctx, profile):
    preferences.save(ctx(alice), language="de")
    administration.remove_second_factor(ctx(alice), profile)
    (sent,) = mails_to(alice.email)
    assert sent["Subject"] == "Todo: Der zweite Schritt wurde entfernt"
    assert "Ein Administrator hat ihn entfernt" in sent["BodyText"]
    assert "This" not in sent["BodyText"]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "MessageRejected"}}, "SendEmail"),
        ReadTimeoutError(endpoint_url="https://email.us-east-1.amazonaws.com"),
    ],
    ids=["refused", "unreachable"],
)
def test_a_mail_that_cannot_be_sent_stops_nothing(browser, alice, monkeypatch, caplog, error):
    class Broken:
        def send_email(self, **_):
            raise error

    monkeypatch.setattr(mail, "client", Broken)
    answer = browser.post(SECURITY, {"password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 302
    assert "a notice was not sent" in caplog.text
    assert Client().post("/login/", {"identifier": alice.email, "password": NEW}).status_code == 302


def test_an_address_that_was_not_proved_gets_none(alice, monkeypatch):
    monkeypatch.setattr(directory, "address_of", lambda username: "")
    notices.tell(alice.id, alice.username, notices.PASSWORD)
    assert subjects_to(alice.email) == []


def test_without_a_sender_none_is_sent(alice, settings):
    settings.MAIL_SENDER = ""
    notices.tell(alice.id, alice.username, notices.PASSWORD)
    assert subjects_to(alice.email) == []


def test_only_so_many_an_hour(alice, monkeypatch):
    monkeypatch.setattr(notices.time, "time", lambda: 1_800_000_000)
    for _ in range(notices.NOTICES_MOST + 3):
        notices.tell(alice.id, alice.username, notices.TOKEN)
    assert len(subjects_to(alice.email)) == notices.NOTICES_MOST


def test_who_has_no_caller_makes_a_token_without_a_mail(alice, ctx):
    access_tokens.create(ctx(alice), "demo")
    assert subjects_to(alice.email) == []

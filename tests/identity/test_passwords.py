"""Which passwords are refused, wherever one is chosen, and what is said."""

import os
import re

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from identity import passwords
from identity.errors import WeakPassword
from tests.conftest import PASSWORD
from tests.web.conftest import read

SHORT, EASY = "Choose a longer password: at least 12 characters", "That password is easy to guess."


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", SHORT),
        ("Abcdefg1", SHORT),
        ("elevencharz", SHORT),
        ("passwordpassword", EASY),
        ("Password1234!", EASY),
        ("qwertyuiop123", EASY),
        ("aaaaaaaaaaaaaaaaaaaaaaaaa", EASY),
        ("abcdefghijklmnop", EASY),
        ("lovelace1815", EASY),
        ("ada.lovelace@example.com", EASY),
    ],
)
def test_weak(password, says):
    with pytest.raises(WeakPassword, match=says):
        passwords.check(password, "ada.lovelace@example.com", "Ada", "Lovelace")


@pytest.mark.parametrize(
    "password",
    ["lamp river orbit nine", "korrekt pferd batterie", "x7#Kq!m2vT9z", "鳥は空を飛ぶことができます"],
)
def test_strong_without_rules_about_characters(password):
    passwords.check(password, "ada@example.com")


@given(st.text(max_size=passwords.MAX_LENGTH))
@settings(max_examples=50)
def test_any_text_is_judged(password):
    try:
        passwords.check(password, "ada@example.com")
    except WeakPassword:
        return
    assert len(password) >= passwords.MIN_LENGTH


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("lamp river " * 11 + "orbit nine", "at most 128 characters; this one has 131"),
        (" lamp river orbit nine", "cannot begin or end with a space"),
        ("lamp river orbit nine\t", "cannot begin or end with a space"),
        ("7x      q     Z", "at least 12 characters; this one has 6"),
    ],
    ids=["too long", "space before", "tab after", "mostly spaces"],
)
def test_lengths_and_spaces(password, says):
    with pytest.raises(WeakPassword, match=says):
        passwords.check(password)


@pytest.mark.parametrize(
    "password",
    [
        "lamp river orbit nine and a way to the sea, " * 2 + "x7#Kq!m2vT9z" * 3 + "!?.-",
        "Straße über Öl, ñandú ☂ 🦊🌙🪐",
        "x7#Kq!m2vT9zLp4$wR8&nB5",
    ],
    ids=["128 characters", "other letters and emoji", "symbols"],
)
def test_long_ones_of_any_characters_sign_in(client, alice, password):
    """Not one character is cut off: the password without its last one is another."""
    assert len(password) <= passwords.MAX_LENGTH
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(reset)).html)[1]
    assert client.post(reset, {"code": code, "password": password}).status_code == 302
    signing_in = {"identifier": alice.email, "password": password[:-1]}
    assert client.post("/login/", signing_in).status_code == 422
    assert client.post("/login/", signing_in | {"password": password}).status_code == 302


@pytest.mark.parametrize(
    ("page", "purpose"), [("/login/", "current-password"), ("/sign-up/", "new-password")]
)
def test_a_field_takes_what_is_pasted_and_is_known_to_password_managers(client, page, purpose):
    (field,) = (attrs for tag, attrs in read(client.get(page)).tags if attrs.get("type") == "password")
    assert field["autocomplete"] == purpose
    assert not {"maxlength", "onpaste", "readonly"} & field.keys()


@pytest.mark.parametrize(
    ("password", "low", "high", "says"),
    [
        ("", 0, 0, SHORT),
        ("Password1234!", 0, 2, EASY),
        ("lovelace1815", 0, 2, EASY),
        ("x" * 5000, 0, 2, "at most 128 characters"),
        ("lamp river orbit nine", 3, 4, "ood"),
    ],
)
def test_the_meter(client, password, low, high, says):
    form = {"password": password, "email": "ada.lovelace@example.com", "given_name": "Ada"}
    answer = client.post("/password/strength/", form)
    assert (answer.status_code, answer["Cache-Control"].split(", ")[-2:]) == (
        200,
        ["must-revalidate", "private"],
    )
    found = answer.json()
    assert low <= found["score"] <= high
    assert says in found["text"]


def test_the_meter_knows_who_changes_their_password(client_for, alice):
    browser = client_for(alice)
    found = browser.post("/password/strength/", {"password": alice.username}).json()
    assert (found["score"] < passwords.HARD_TO_GUESS, EASY in found["text"]) == (True, True)


def test_the_meter_needs_the_pages_token():
    assert Client(enforce_csrf_checks=True).post("/password/strength/", {"password": "x"}).status_code == 403


def test_at_sign_up(client):
    form = {"given_name": "Ada", "email": "ada@example.com", "password": "Password1234!"}
    answer = client.post("/sign-up/", form)
    assert (answer.status_code, EASY in read(answer).text) == (422, True)


def test_at_a_reset(client, alice):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    answer = client.post(reset, {"code": "123456", "password": f"{alice.email}"})
    assert (answer.status_code, EASY in read(answer).text) == (422, True)


def test_at_a_change(client_for, alice):
    form = {"password": PASSWORD, "new_password": "Password1234!"}
    answer = client_for(alice).post("/account/security/", form)
    assert (answer.status_code, EASY in read(answer).text) == (422, True)


def test_in_place_of_one_that_an_administrator_gave(client, cognito, alice):
    cognito.admin_set_user_password(
        UserPoolId=os.environ["USER_POOL_ID"],
        Username=alice.username,
        Password="Given-by-admin-1",
        Permanent=False,
    )
    client.post("/login/", {"identifier": alice.email, "password": "Given-by-admin-1"})
    answer = client.post("/login/code/", {"password": "Password1234!"})
    assert (answer.status_code, EASY in read(answer).text) == (422, True)


def test_the_page_says_the_rule(client):
    assert "At least 12 characters." in read(client.get("/sign-up/")).text

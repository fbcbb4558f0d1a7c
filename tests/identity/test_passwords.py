"""Which passwords are refused, wherever one is chosen, and what is said."""

import os

import pytest
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

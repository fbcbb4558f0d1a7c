"""Signing in and out, the demo accounts, the theme."""

import pytest
from django.test import Client

from tests.web.conftest import read


def test_signs_in_and_out(client, alice):
    answer = client.post("/login/", {"identifier": alice.email, "password": alice.password})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "Alice Example" in read(client.get("/")).text
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/")["Location"].startswith("/login/")


def test_a_session_is_worth_nothing_after_signing_out(client, alice):
    client.post("/login/", {"identifier": alice.username, "password": alice.password})
    thief = Client()
    thief.cookies["session"] = client.cookies["session"].value
    assert thief.get("/").status_code == 200
    client.post("/logout/")
    assert thief.get("/").status_code == 302


def test_signing_in_changes_the_session_key(client, alice, bob):
    keys = []
    for account in (alice, bob):
        client.post("/login/", {"identifier": account.email, "password": account.password})
        keys.append(client.cookies["session"].value)
    assert keys[0] != keys[1]
    assert "Bob Example" in read(client.get("/")).text


def test_a_wrong_password_and_an_unknown_person_look_the_same(client, alice):
    texts = []
    for identifier in (alice.email, "nobody@example.com"):
        answer = client.post("/login/", {"identifier": identifier, "password": "Wrong-horse-1"})
        assert answer.status_code == 422
        assert "Wrong-horse-1" not in answer.content.decode()
        texts.append(read(answer).text)
    assert texts[0] == texts[1]
    assert "is not correct" in texts[0]


BAD = [
    ({}, "Enter your password."),
    ({"identifier": "a@example.com"}, "Enter your password."),
    ({"password": "x"}, "Enter your e-mail address or username."),
    ({"identifier": "x" * 300, "password": "x"}, "254"),
    ({"identifier": "a@example.com", "password": "x" * 300}, "256"),
    ({"identifier": "nul\0", "password": "x"}, "Null characters"),
    ({"identifier": " ", "password": " "}, "Enter your e-mail address or username."),
]


@pytest.mark.parametrize(("form", "says"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_told(client, form, says):
    answer = client.post("/login/", form)
    assert answer.status_code == 422
    assert says in read(answer).text


def test_one_goes_on_to_where_one_wanted(client, alice):
    following = read(client.get("/login/?next=/%3Fview%3Ddone")).fields["next"]
    form = {"identifier": alice.email, "password": alice.password, "next": following}
    assert client.post("/login/", form)["Location"] == "/?view=done"


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "insights",
        "x" * 1999,
    ],
)
def test_but_never_to_anything_but_a_page_of_ours(client, alice, evil):
    form = {"identifier": alice.email, "password": alice.password, "next": evil}
    assert client.post("/login/", form)["Location"] == "/"


def test_who_is_signed_in_is_sent_on(browser):
    assert browser.get("/login/")["Location"] == "/"


def test_signing_out_takes_a_post(browser):
    assert browser.get("/logout/").status_code == 405
    assert browser.get("/").status_code == 200


def test_a_local_copy_offers_its_demo_accounts(client, settings):
    settings.ENVIRONMENT, settings.DEMO_PASSWORD = "local", "Demo-abcd-12"
    page = read(client.get("/login/"))
    assert "manager@example.com" in page.text
    assert "Demo-abcd-12" not in page.html
    filled = read(client.get("/login/?demo=manager@example.com")).fields
    assert (filled["identifier"], filled["password"]) == ("manager@example.com", "Demo-abcd-12")
    assert "Demo-abcd-12" not in client.get("/login/?demo=other@example.com").content.decode()


@pytest.mark.parametrize("environment", ["test", "dev", "prod"])
def test_nothing_else_does(client, settings, environment):
    settings.ENVIRONMENT, settings.DEMO_PASSWORD = environment, "Demo-abcd-12"
    html = client.get("/login/?demo=manager@example.com").content.decode()
    assert "Look around as" not in html
    assert "Demo-abcd-12" not in html


def test_the_theme_is_kept_and_sent_with_the_page(client):
    assert "data-theme" not in client.get("/login/").content.decode()
    assert client.post("/theme/", {"theme": "dark", "next": "/login/"})["Location"] == "/login/"
    assert '<html lang="en" data-theme="dark">' in client.get("/login/").content.decode()
    client.post("/theme/", {"theme": ""})
    assert "data-theme" not in client.get("/login/").content.decode()


def test_an_unknown_theme_is_refused_or_ignored(client):
    assert client.post("/theme/", {"theme": 'x"><script>'}).status_code == 400
    client.cookies["theme"] = "x"
    assert "data-theme" not in client.get("/login/").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        *("/login/", "/login/code/", "/login/recovery/", "/logout/", "/sign-up/", "/sign-up/confirm/"),
        *("/password/forgotten/", "/password/reset/", "/theme/", "/time-zone/", "/announcements/dismiss/"),
    ],
)
def test_forms_of_strangers_need_a_csrf_token_too(path):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(path, {"identifier": "a@example.com", "password": "x", "email": "a@example.com"})
    assert answer.status_code == 403

"""Changing one's e-mail address: a code to the new one, a notice to the old one, and what it ends."""

import re
import uuid

import pytest
from django.test import Client

from identity import email_addresses, profiles
from store import audit
from store.request_context import RequestContext
from tests.conftest import PASSWORD
from tests.mails import mails_to, text_of
from tests.web.conftest import read
from tests.web.totp import totp

PAGE = "/account/email/"
FACTOR = "/account/security/second-factor/"


@pytest.fixture
def wanted():
    return f"new-{uuid.uuid4().hex[:8]}@example.com"


def ask(browser, email, **more):
    return browser.post(PAGE, {"act": "begin", "email": email, "password": PASSWORD, **more})


def code_on(page):
    return re.search(r"<code>(\d{6})</code>", page.html)[1]


def finish(browser, page, code=None):
    form = {"act": "finish", "sealed": page.fields["sealed"], "code": code or code_on(page)}
    return browser.post(PAGE, form)


def sign_in(email):
    client = Client()
    answer = client.post("/login/", {"identifier": email, "password": PASSWORD})
    return client, answer.status_code


def test_the_address_changes_once_the_code_has_come_back(browser, alice, wanted, token_for, client_for):
    other, token = client_for(alice), token_for(alice)
    page = read(ask(browser, wanted))
    assert wanted in page.text
    assert (sign_in(alice.email)[1], sign_in(wanted)[1]) == (302, 422), "nothing has changed yet"
    assert wanted in text_of(mails_to(alice.email)[-1])
    answer = finish(browser, page)
    assert answer["Location"] == "/account/"
    shown = read(browser.get("/account/")).text
    assert f"You sign in with {wanted} from now on." in shown
    assert f"You sign in with {wanted}." in shown
    assert alice.email not in shown
    assert "It was changed to" in text_of(mails_to(alice.email)[-1])
    assert other.get("/").status_code == 302, "other browsers are signed out"
    bearer = {"authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/tasks", headers=bearer).status_code == 401
    assert (sign_in(alice.email)[1], sign_in(wanted)[1]) == (422, 302)
    assert profiles.get_profile(alice.id).email == wanted
    assert email_addresses.holder_of(wanted) == alice.id
    (entry,) = (found for found in audit.history("user", alice.id) if found.action == "change address")
    assert (entry.actor_id, entry.actor_name, entry.subject_id) == (alice.id, alice.email, alice.id)
    assert {"field": "email", "before": alice.email, "after": wanted} in entry.changes


def test_the_session_goes_on_with_a_new_key(browser, wanted):
    before = browser.cookies["session"].value
    finish(browser, read(ask(browser, wanted)))
    old = Client()
    old.cookies["session"] = before
    assert old.get("/").status_code == 302
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"password": "wrong"}, "is not correct"),
        ({"email": "nonsense"}, "Enter an e-mail address like"),
        ({"email": ""}, "Enter your e-mail address."),
    ],
)
def test_what_is_wrong_changes_nothing(browser, alice, wanted, form, says):
    answer = ask(browser, **{"email": wanted, **form})
    assert (answer.status_code, says in read(answer).text) == (422, True)
    assert mails_to(wanted) == mails_to(alice.email) == []


def test_ones_own_address_is_none_to_change_to(browser, alice):
    assert "That is your address already." in read(ask(browser, alice.email.upper())).text


def test_a_wrong_code_changes_nothing(browser, alice, wanted):
    page = read(ask(browser, wanted))
    code = code_on(page)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert finish(browser, page, wrong).status_code == 422
    assert sign_in(alice.email)[1] == 302
    assert profiles.get_profile(alice.id).email == alice.email
    assert finish(browser, page, code).status_code == 302, "the right one still works"


def test_codes_are_limited(browser, wanted):
    page = read(ask(browser, wanted))
    code = code_on(page)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    answers = [finish(browser, page, wrong).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert finish(browser, page, code).status_code == 429


def test_nobody_learns_that_an_address_is_somebody_elses(browser, alice, bob, wanted):
    theirs, free = (read(ask(browser, email)) for email in (bob.email, wanted))
    assert theirs.text.replace(bob.email, "") == free.text.replace(wanted, "").replace(
        code_on(free), code_on(theirs)
    )
    answer = finish(browser, theirs, "000000")
    assert "That code is not correct." in read(answer).text
    assert sign_in(bob.email)[1] == 302
    assert profiles.get_profile(alice.id).email == alice.email


def test_an_address_is_not_taken_from_its_owner_even_with_the_code(browser, bob):
    page = read(ask(browser, bob.email))
    answer = finish(browser, page)
    assert answer.status_code in {302, 422}
    client, status = sign_in(bob.email)
    assert status == 302
    assert "Bob Example" in read(client.get("/")).text


def test_an_address_kept_for_somebody_else_is_not_taken(browser, alice, bob, ctx, wanted):
    context: RequestContext = ctx(bob)
    assert email_addresses.reserve_email(context, wanted, bob.id)
    page = read(ask(browser, wanted))
    assert "That code is not correct." in read(finish(browser, page)).text
    assert (sign_in(alice.email)[1], sign_in(wanted)[1]) == (302, 422)


def test_two_people_who_want_one_address_do_not_both_get_it(client_for, alice, bob, wanted):
    browsers = [client_for(alice), client_for(bob)]
    pages = [read(ask(browser, wanted)) for browser in browsers]
    codes = [re.search(r"\b\d{6}\b", text_of(mail)).group() for mail in mails_to(wanted)]
    answers = [
        finish(browser, page, code).status_code
        for browser, page, code in zip(browsers, pages, codes, strict=True)
    ]
    assert answers == [302, 422]
    assert profiles.get_profile(alice.id).email == wanted
    assert sign_in(bob.email)[1] == 302


def test_what_was_begun_belongs_to_who_began_it(browser, client_for, alice, bob, wanted):
    page = read(ask(browser, wanted))
    thief = client_for(bob)
    assert finish(thief, page)["Location"] == PAGE
    form = {"act": "finish", "code": code_on(page), "sealed": "nonsense"}
    assert browser.post(PAGE, form)["Location"] == PAGE
    assert profiles.get_profile(bob.id).email == bob.email


def test_the_second_factor_is_asked_for(browser, alice, wanted):
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
    browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    assert ask(browser, wanted).status_code == 422
    assert ask(browser, wanted, code="000000").status_code == 422
    assert mails_to(wanted) == []
    page = read(ask(browser, wanted, code=totp(secret)))
    assert finish(browser, page)["Location"] == "/account/"


def test_somebody_who_signed_out_has_to_start_again(browser, client_for, alice, wanted):
    page = read(ask(browser, wanted))
    browser.post("/account/security/sign-out/")
    again = client_for(alice)
    assert finish(again, page)["Location"] == PAGE
    assert profiles.get_profile(alice.id).email == alice.email


def test_it_needs_a_session(client, wanted):
    assert client.get(PAGE)["Location"].startswith("/login/")
    assert ask(client, wanted)["Location"].startswith("/login/")


def test_without_a_sender_the_old_address_is_not_told(browser, alice, wanted, settings):
    settings.MAIL_SENDER = ""
    assert finish(browser, read(ask(browser, wanted)))["Location"] == "/account/"
    assert mails_to(alice.email) == []

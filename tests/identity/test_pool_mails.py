"""Cognito's own mails: the wording of the pool's templates, right for each occasion and in both languages."""

import re
import uuid

from identity import administration
from localcloud import accounts
from tests.conftest import PASSWORD
from tests.mails import mails_to, text_of
from tests.web.conftest import read


def test_a_code_that_confirms_and_one_that_resets(client):
    email = f"ada-{uuid.uuid4().hex}@example.com"
    confirm = client.post("/sign-up/", {"given_name": "Ada", "email": email, "password": PASSWORD})[
        "Location"
    ]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(confirm)).html)[1]
    client.post(confirm, {"code": code})
    client.post("/logout/")
    client.post("/password/forgotten/", {"identifier": email})
    first, second = mails_to(email)
    assert {mail["Subject"] for mail in (first, second)} == {accounts.CODE_SUBJECT}
    assert f"Your code: {code}" in text_of(first)
    for mail in (first, second):
        assert "to confirm your address or to set a new password" in text_of(mail)
        assert "um deine Adresse zu bestätigen oder ein neues Passwort zu setzen" in text_of(mail)


def test_an_invitation(ctx, alice):
    email = f"ben-{uuid.uuid4().hex}@example.com"
    administration.create_user(ctx(alice), {"email": email, "name": "Ben"}, frozenset())
    (mail,) = mails_to(email)
    assert mail["Subject"] == accounts.INVITATION_SUBJECT
    assert re.search(r"Your first password: \S+<br>", text_of(mail))
    assert "within seven days" in text_of(mail)
    assert "innerhalb von sieben Tagen" in text_of(mail)
    assert accounts.PASSWORD_POLICY["TemporaryPasswordValidityDays"] == 7


def test_the_templates_have_what_cognito_demands():
    assert accounts.CODE_MAIL.count("{####}") == accounts.INVITATION_MAIL.count("{####}") == 1
    assert accounts.INVITATION_MAIL.count("{username}") == 1
    for subject in (accounts.CODE_SUBJECT, accounts.INVITATION_SUBJECT):
        assert len(subject) <= 140

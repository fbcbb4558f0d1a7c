"""Signing in and out, and the session in the table"""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.test import RequestFactory

from identity import profiles, sign_in
from identity.errors import (
    ChallengeRequired,
    IdentityError,
    IdentityRefused,
    IdentityUnavailable,
    InvalidCredentials,
)
from identity.items import SessionItem, session_key
from identity.sessions import SessionStore
from store.reading import get


@pytest.fixture
def request_with_session():
    request = RequestFactory().get("/")
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    request.request_id = "req-1"
    return request


def test_signs_in_by_address_or_username_and_creates_the_profile(request_with_session, alice):
    profiles.known.clear()
    for identifier in (alice.email, alice.username):
        person = sign_in.sign_in(request_with_session, identifier, alice.password)
        assert (person.id, person.email, person.name) == (alice.id, alice.email, alice.name)
        assert request_with_session.user == person == sign_in.person_in_session(request_with_session)
    assert profiles.get_profile(alice.id).email == alice.email


def test_roles(request_with_session, make_account):
    for groups, manager, admin in (
        ((), False, False),
        (("managers",), True, False),
        (("admins",), True, True),
    ):
        account = make_account("Someone", groups=groups)
        person = sign_in.sign_in(request_with_session, account.email, account.password)
        assert (person.is_manager, person.is_admin) == (manager, admin)
        assert sign_in.person_in_session(request_with_session) == person


@pytest.mark.parametrize(
    ("identifier", "password"),
    [
        ("", ""),
        ("{email}", "wrong"),
        ("nobody@example.com", "Correct-horse-9"),
        ("{email}", ""),
        ("a\x00b", "x"),
    ],
)
def test_wrong_credentials(request_with_session, alice, identifier, password):
    with pytest.raises(InvalidCredentials):
        sign_in.sign_in(request_with_session, identifier.format(email=alice.email), password)
    assert not sign_in.person_in_session(request_with_session).is_authenticated


def test_a_challenge(request_with_session, cognito, alice):
    cognito.admin_set_user_password(
        UserPoolId=settings.USER_POOL_ID,
        Username=alice.username,
        Password="Temporary-word-9",
        Permanent=False,
    )
    with pytest.raises(ChallengeRequired) as challenge:
        sign_in.sign_in(request_with_session, alice.email, "Temporary-word-9")
    assert challenge.value.name == "NEW_PASSWORD_REQUIRED"


def test_an_outage(request_with_session, monkeypatch):
    from botocore.exceptions import EndpointConnectionError

    from identity import cognito as module

    def down(**_):
        raise EndpointConnectionError(endpoint_url="https://cognito-idp")

    monkeypatch.setattr(module.client(), "initiate_auth", down)
    with pytest.raises(IdentityUnavailable):
        sign_in.sign_in(request_with_session, "a", "b")


def test_the_session_key_changes_at_sign_in_and_ends_at_sign_out(request_with_session, alice):
    session = request_with_session.session
    session["before"] = 1
    session.save()
    before = session.session_key
    sign_in.sign_in(request_with_session, alice.email, alice.password)
    session.save()
    during = session.session_key
    assert before != during
    assert not SessionStore(before).exists(before)
    assert SessionStore(during)["person"]["id"] == alice.id

    late = SessionStore(during)
    late["basket"] = 1
    sign_in.sign_out(request_with_session)
    assert get(SessionItem, session_key(during)) is None
    with pytest.raises(UpdateError):
        late.save()
    assert SessionStore(during).load() == {}


def test_another_persons_session_is_not_inherited(request_with_session, alice, bob):
    sign_in.sign_in(request_with_session, alice.email, alice.password)
    request_with_session.session["draft"] = "Alice's"
    sign_in.sign_in(request_with_session, bob.email, bob.password)
    assert "draft" not in request_with_session.session


def test_what_is_stored(request_with_session, alice):
    sign_in.sign_in(request_with_session, alice.email, alice.password)
    session = request_with_session.session
    session.save()
    item = get(SessionItem, session_key(session.session_key))
    assert item.user_id == alice.id
    assert session.session_key not in str(item.serialize())
    assert alice.password not in str(item.serialize())


def test_expired_is_gone(request_with_session):
    session = request_with_session.session
    session["a"] = 1
    session.set_expiry(-1)
    session.save()
    assert not session.exists(session.session_key)
    assert SessionStore(session.session_key).load() == {}


def test_a_key_is_created_once():
    session = SessionStore()
    session.create()
    with pytest.raises(CreateError):
        SessionStore(session.session_key).save(must_create=True)


def test_a_page_that_needs_nobody_reads_no_session(client, calls):
    client.get("/health")
    assert not calls


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("InternalErrorException", 500, IdentityUnavailable),
        ("ThrottlingException", 400, IdentityUnavailable),
        ("AccessDeniedException", 400, IdentityRefused),
        ("InvalidParameterException", 400, InvalidCredentials),
    ],
)
def test_a_refusal_is_no_outage(request_with_session, monkeypatch, caplog, code, status, error):
    from botocore.exceptions import ClientError

    from identity import cognito as module

    def refuse(**_):
        said = {"Error": {"Code": code, "Message": "what Cognito says"}}
        raise ClientError({**said, "ResponseMetadata": {"HTTPStatusCode": status}}, "InitiateAuth")

    monkeypatch.setattr(module.client(), "initiate_auth", refuse)
    with pytest.raises(IdentityError) as raised:
        sign_in.sign_in(request_with_session, "a", "b")
    assert type(raised.value) is error
    assert "what Cognito says" not in str(raised.value)
    assert ("what Cognito says" in caplog.text) == (error is IdentityRefused)


def test_a_key_has_32_characters_of_36():
    keys = set()
    for _ in range(200):
        session = SessionStore()
        session.create()
        keys.add(session.session_key)
    assert len(keys) == 200
    assert {len(key) for key in keys} == {32}
    assert set("".join(keys)) == set("abcdefghijklmnopqrstuvwxyz0123456789")

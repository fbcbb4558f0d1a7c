"""What the log says about who signed in, who did not, and what was refused: enough to follow it, and no secret."""

import json
import logging

import pytest
from django.test import Client

from identity import cognito
from tests.conftest import PASSWORD
from web.logging import JsonFormatter


@pytest.fixture
def lines(caplog):
    """Return a function that returns the log's lines so far, as they are written."""
    caplog.set_level(logging.INFO)
    return lambda: [json.loads(JsonFormatter().format(record)) for record in caplog.records]


def asked(found):
    return [
        (line["operation"], line["status"], line["metadata"]["answer"])
        for line in found
        if line["component"] == "identity"
    ]


def sign_in(account, password=PASSWORD):
    return Client().post("/login/", {"identifier": account.email, "password": password})


def test_a_sign_in_and_whose_it_was(lines, alice):
    sign_in(alice)
    assert asked(lines()) == [("initiate_auth", "ok", None)]
    (request,) = (line for line in lines() if line["operation"] == "POST login/")
    assert (request["status"], request["user_id"]) == (302, alice.id)


def test_a_wrong_password_and_that_both_tries_were_about_one_account(lines, alice, bob):
    sign_in(alice, "wrong-horse-9")
    sign_in(alice)
    sign_in(bob, "wrong-horse-9")
    first, second, third = [line for line in lines() if line["component"] == "identity"]
    assert asked([first, third]) == [("initiate_auth", "refused", "NotAuthorizedException")] * 2
    assert first["level"] == "WARNING"
    account = first["metadata"]["account"]
    assert len(account) == 16
    assert (second["metadata"]["account"], third["metadata"]["account"] != account) == (account, True)


def test_neither_password_nor_address_is_in_it(lines, alice):
    sign_in(alice, "wrong-horse-9")
    sign_in(alice)
    text = json.dumps(lines())
    assert not [
        secret for secret in ("wrong-horse-9", PASSWORD, alice.email, alice.username) if secret in text
    ]


def test_a_password_that_only_cognito_refuses_is_not_called_a_wrong_code(monkeypatch, lines):
    from botocore.exceptions import ClientError

    from identity import accounts
    from identity.errors import WeakPassword

    class Refusing:
        def change_password(self, **_):
            said = "Value at 'proposedPassword' failed to satisfy constraint: Member must satisfy …"
            raise ClientError(
                {"Error": {"Code": "InvalidParameterException", "Message": said}}, "ChangePassword"
            )

    monkeypatch.setattr(cognito, "client", Refusing)
    with pytest.raises(WeakPassword):
        accounts.change_password("token", PASSWORD, "lamp river orbit nine")
    assert asked(lines()) == [("change_password", "refused", "InvalidPasswordException")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/admin/", 403),
        ("GET", "/tasks/01a22d81-fac8-7c76-8c7e-8d643a43f412/", 404),
        ("PUT", "/board/", 405),
        ("TRACE", "/board/", 405),
    ],
)
def test_a_refusal_has_the_person_and_the_request(lines, client_for, alice, method, path, status):
    answer = client_for(alice).generic(method, path, headers={"x-request-id": "abc"})
    assert answer.status_code == status
    (line,) = (line for line in lines() if line["request_id"] == "abc" and line["status"] == status)
    assert line["user_id"] == alice.id


@pytest.mark.parametrize("token", ["nonsense", "todo_" + "x" * 43])
def test_a_token_that_is_refused(lines, token):
    headers = {"x-request-id": "abc", "authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/tasks", headers=headers).status_code == 401
    (line,) = (line for line in lines() if line["request_id"] == "abc" and line["status"] == 401)
    assert line["operation"] == "GET api/v1/tasks"
    assert token not in json.dumps(lines())

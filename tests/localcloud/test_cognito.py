"""Cognito as the product uses it."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf

PASSWORD = "Correct-horse-9"


@dataclass(frozen=True)
class Pool:
    cognito: Any
    id: str
    client: str
    keys_url: str

    def add(self, username: str, email: str) -> dict[str, Any]:
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        user = self.cognito.admin_create_user(
            UserPoolId=self.id, Username=username, MessageAction="SUPPRESS", UserAttributes=attributes
        )
        self.cognito.admin_set_user_password(
            UserPoolId=self.id, Username=username, Password=PASSWORD, Permanent=True
        )
        return dict(user["User"])

    def sign_in(self, username: str, password: str = PASSWORD) -> dict[str, Any]:
        login = {"USERNAME": username, "PASSWORD": password}
        answer = self.cognito.initiate_auth(
            ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=login
        )
        return dict(answer["AuthenticationResult"])

    def refresh(self, token: str) -> dict[str, Any]:
        answer = self.cognito.initiate_auth(
            ClientId=self.client, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token}
        )
        return dict(answer["AuthenticationResult"])

    def verified(self, token: str, **options: Any) -> dict[str, Any]:
        key = jwt.PyJWKClient(self.keys_url).get_signing_key_from_jwt(token).key
        return dict(jwt.decode(token, key, algorithms=["RS256"], **options))


@pytest.fixture
def pool(shared: ClientOf, shared_aws: LocalAws, name: str) -> Pool:
    cognito = shared("cognito-idp")
    made = cognito.create_user_pool(
        PoolName=name,
        AliasAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        Policies={"PasswordPolicy": {"MinimumLength": 12, "RequireNumbers": True}},
    )["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    app = cognito.create_user_pool_client(
        UserPoolId=made, ClientName="app", ExplicitAuthFlows=flows, PreventUserExistenceErrors="ENABLED"
    )["UserPoolClient"]["ClientId"]
    return Pool(cognito, made, app, f"{shared_aws.endpoint_url}/{made}/.well-known/jwks.json")


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_a_user_signs_in_and_gets_verifiable_tokens(pool: Pool) -> None:
    user = pool.add("alice", "alice@example.com")
    pool.cognito.create_group(UserPoolId=pool.id, GroupName="managers")
    pool.cognito.admin_add_user_to_group(UserPoolId=pool.id, Username="alice", GroupName="managers")
    tokens = pool.sign_in("alice")
    sub = next(entry["Value"] for entry in user["Attributes"] if entry["Name"] == "sub")
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    identity = pool.verified(tokens["IdToken"], audience=pool.client, issuer=issuer)
    access = pool.verified(tokens["AccessToken"], issuer=issuer)
    assert (identity["sub"], identity["token_use"], identity["email"]) == (sub, "id", "alice@example.com")
    assert (access["sub"], access["token_use"], access["client_id"]) == (sub, "access", pool.client)
    assert identity["cognito:groups"] == access["cognito:groups"] == ["managers"]
    assert (identity["cognito:username"], access["username"]) == ("alice", "alice")


@pytest.mark.parametrize("login", ["bob", "bob@example.com", "Bob@Example.COM", "BOB"])
def test_sign_in_by_name_or_address_in_any_case(pool: Pool, login: str) -> None:
    pool.add("bob", "bob@example.com")
    assert pool.verified(pool.sign_in(login)["AccessToken"])["username"] == "bob"
    answer = pool.cognito.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=pool.client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": login, "PASSWORD": PASSWORD},
    )
    assert answer["AuthenticationResult"]["RefreshToken"]


def test_names_and_addresses_are_taken_once(pool: Pool) -> None:
    pool.add("carol", "carol@example.com")
    with refused("UsernameExistsException"):
        pool.add("Carol", "other@example.com")
    with refused("AliasExistsException"):
        pool.add("other", "Carol@example.com")


def test_wrong_password_unknown_and_disabled_people(pool: Pool) -> None:
    pool.add("dave", "dave@example.com")
    for login in (("dave", "wrong"), ("nobody", PASSWORD)):
        with refused("Incorrect username or password"):
            pool.sign_in(*login)
    pool.cognito.admin_disable_user(UserPoolId=pool.id, Username="dave")
    with refused("User is disabled"):
        pool.sign_in("dave")
    with refused("InvalidPasswordException"):
        pool.cognito.admin_set_user_password(
            UserPoolId=pool.id, Username="dave", Password="short", Permanent=True
        )


def test_refresh_until_signed_out_everywhere(pool: Pool) -> None:
    pool.add("erin", "erin@example.com")
    tokens = pool.sign_in("erin")
    assert pool.verified(pool.refresh(tokens["RefreshToken"])["AccessToken"])["username"] == "erin"
    pool.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    with refused("NotAuthorizedException"):
        pool.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException"):
        pool.cognito.get_user(AccessToken=tokens["AccessToken"])
    assert pool.sign_in("erin")["AccessToken"]


def sign_up(pool: Pool, username: str, email: str) -> None:
    pool.cognito.sign_up(
        ClientId=pool.client,
        Username=username,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )


def confirm(pool: Pool, username: str, code: str) -> None:
    pool.cognito.confirm_sign_up(ClientId=pool.client, Username=username, ConfirmationCode=code)


def test_signing_up_proves_the_address(pool: Pool) -> None:
    sign_up(pool, "opaque-1", "frank@example.com")
    with refused("UserNotConfirmedException"):
        pool.sign_in("opaque-1")
    with refused("CodeMismatchException"):
        confirm(pool, "opaque-1", "000000")
    confirm(pool, "opaque-1", "123456")
    claims = pool.verified(pool.sign_in("frank@example.com")["IdToken"], audience=pool.client)
    assert claims["email_verified"] is True


def test_an_address_that_someone_else_proved_cannot_be_confirmed(pool: Pool) -> None:
    pool.add("grace", "grace@example.com")
    sign_up(pool, "opaque-2", "grace@example.com")
    with refused("AliasExistsException"):
        confirm(pool, "opaque-2", "123456")
    assert pool.verified(pool.sign_in("grace@example.com")["AccessToken"])["username"] == "grace"


def test_a_forgotten_password(pool: Pool) -> None:
    pool.add("heidi", "heidi@example.com")
    answer = pool.cognito.forgot_password(ClientId=pool.client, Username="heidi@example.com")
    assert answer["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    new = {"ClientId": pool.client, "Username": "heidi@example.com", "Password": "Another-horse-10"}
    with refused("CodeMismatchException"):
        pool.cognito.confirm_forgot_password(ConfirmationCode="000000", **new)
    pool.cognito.confirm_forgot_password(ConfirmationCode="654321", **new)
    with refused("NotAuthorizedException"):
        pool.sign_in("heidi")
    assert pool.sign_in("heidi", "Another-horse-10")["AccessToken"]


def code_to(server: LocalAws, address: str) -> str:
    """Return the code in the last mail to an address."""
    with urllib.request.urlopen(f"{server.endpoint_url}/_ministack/ses/messages") as answer:
        accounts = json.load(answer)["messages"].values()
    bodies = [mail["BodyText"] for mails in accounts for mail in mails if address in mail["To"]]
    found = re.search(r"\b\d{6}\b", bodies[-1])
    assert found
    return found.group()


def test_an_address_changes_once_its_code_has_come_back(pool: Pool, shared_aws: LocalAws) -> None:
    first = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    pool.cognito.update_user_pool(
        UserPoolId=pool.id, AutoVerifiedAttributes=["email"], UserAttributeUpdateSettings=first
    )
    pool.add("ivan", "ivan@example.com")
    pool.add("judy", "judy@example.com")
    token = pool.sign_in("ivan")["AccessToken"]

    def ask(email: str) -> list[dict[str, Any]]:
        wanted = [{"Name": "email", "Value": email}, {"Name": "name", "Value": "Ivan"}]
        answer = pool.cognito.update_user_attributes(AccessToken=token, UserAttributes=wanted)
        return list(answer["CodeDeliveryDetailsList"])

    def verify(code: str) -> None:
        pool.cognito.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)

    def attributes() -> dict[str, str]:
        user = pool.cognito.get_user(AccessToken=token)
        return {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}

    with refused("CodeMismatchException"):
        verify("000000")
    (sent,) = ask("ivan@example.org")
    assert (sent["DeliveryMedium"], sent["AttributeName"]) == ("EMAIL", "email")
    assert (attributes()["email"], attributes()["name"]) == ("ivan@example.com", "Ivan")
    assert pool.sign_in("ivan@example.com")
    code = code_to(shared_aws, "ivan@example.org")
    with refused("CodeMismatchException"):
        verify(f"{(int(code) + 1) % 10**6:06}")
    verify(code)
    assert (attributes()["email"], attributes()["email_verified"]) == ("ivan@example.org", "true")
    assert pool.sign_in("ivan@example.org")
    with refused("NotAuthorizedException"):
        pool.sign_in("ivan@example.com")
    with refused("CodeMismatchException"):
        verify(code)
    ask("judy@example.com")
    with refused("AliasExistsException"):
        verify(code_to(shared_aws, "judy@example.com"))
    with refused("NotAuthorizedException"):
        pool.cognito.verify_user_attribute(AccessToken="a.b.c", AttributeName="email", Code=code)

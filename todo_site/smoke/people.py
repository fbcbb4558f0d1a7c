"""People of a smoke test: their accounts in Cognito and their items in the table."""

import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3

from tasks.transfer import export_jobs
from todo_site.erasure.person import erase_items


@dataclass(frozen=True, slots=True)
class SmokePerson:
    """An account: its Cognito `sub`, its username, its password, and an ID token."""

    id: str
    username: str
    password: str
    token: str


class People:
    """Creates accounts in a user pool, and removes them with their items and files.

    Parameters
    ----------
    pool, client
        Ids of the user pool and of its app client.
    table
        Name of the table.
    """

    def __init__(self, pool: str, client: str, table: str) -> None:
        self._pool, self._client, self._table = pool, client, table
        self._cognito = boto3.client("cognito-idp")
        self._dynamodb = boto3.client("dynamodb")

    def create(self, group: str = "") -> SmokePerson:
        """Create an account with a confirmed e-mail address, in a group if one is named, and sign in."""
        username = f"smoke-{uuid.uuid4().hex[:12]}"
        password = f"Aa1!{secrets.token_urlsafe(18)}"
        attributes = {
            "email": f"{username}@example.com",
            "email_verified": "true",
            "name": "Smoke Test",
            "given_name": "Smoke",
            "family_name": "Test",
        }
        account = {"UserPoolId": self._pool, "Username": username}
        made = self._cognito.admin_create_user(
            **account,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
        )
        self._cognito.admin_set_user_password(**account, Password=password, Permanent=True)
        if group:
            self._cognito.admin_add_user_to_group(**account, GroupName=group)
        answer = self._cognito.initiate_auth(
            ClientId=self._client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
        found = {pair["Name"]: pair["Value"] for pair in made["User"]["Attributes"]}
        return SmokePerson(found["sub"], username, password, answer["AuthenticationResult"]["IdToken"])

    def items(self, person: SmokePerson, kind: str) -> list[dict[str, Any]]:
        """Return the items of the partition `<kind>#<id>` in DynamoDB's format, read consistently."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{kind}#{person.id}"}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]

    def remove(self, person: SmokePerson) -> None:
        """Delete the account, the person's items and exported files. It can be repeated."""
        export_jobs.erase_files(person.id)
        erase_items(person.id)
        with suppress(self._cognito.exceptions.UserNotFoundException):
            self._cognito.admin_delete_user(UserPoolId=self._pool, Username=person.username)

"""The Cognito accounts of the demo people."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

Attributes = dict[str, str]


class Accounts:
    """Creates accounts in a user pool, all with the same password."""

    def __init__(self, user_pool: str, password: str) -> None:
        self._pool = user_pool
        self._password = password
        config = Config(max_pool_connections=16, retries={"mode": "standard", "max_attempts": 5})
        self._cognito = boto3.client("cognito-idp", config=config)

    def ensure(self, username: str, attributes: Attributes) -> str:
        """Return the ``sub`` of the account with this e-mail address; create it if it is missing.

        ``attributes`` are email, name, given_name and family_name. An existing account keeps its password and gets
        these names.
        """
        found = self._find(attributes["email"])
        if found is None:
            found = self._create(username, attributes)
        elif other := {
            k: v for k, v in attributes.items() if found["attributes"].get(k) != v and k != "email"
        }:
            self._call("admin_update_user_attributes", found["username"], UserAttributes=_pairs(other))
        if found["status"] == "FORCE_CHANGE_PASSWORD":
            self._call("admin_set_user_password", found["username"], Password=self._password, Permanent=True)
        return str(found["attributes"]["sub"])

    def _find(self, email: str) -> dict[str, Any] | None:
        try:
            user = self._call("admin_get_user", email)
        except ClientError as error:
            if error.response["Error"]["Code"] == "UserNotFoundException":
                return None
            raise
        return _account(user, user["UserAttributes"])

    def _create(self, username: str, attributes: Attributes) -> dict[str, Any]:
        given = _pairs({**attributes, "email_verified": "true"})
        user = self._call("admin_create_user", username, MessageAction="SUPPRESS", UserAttributes=given)[
            "User"
        ]
        return _account(user, user["Attributes"])

    def _call(self, operation: str, username: str, **arguments: Any) -> dict[str, Any]:
        call = getattr(self._cognito, operation)
        answer: dict[str, Any] = call(UserPoolId=self._pool, Username=username, **arguments)
        return answer


def _account(user: dict[str, Any], pairs: list[dict[str, str]]) -> dict[str, Any]:
    attributes = {pair["Name"]: pair["Value"] for pair in pairs}
    return {"username": user["Username"], "status": user["UserStatus"], "attributes": attributes}


def _pairs(attributes: Attributes) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]

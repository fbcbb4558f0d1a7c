"""The Cognito client, and signing in with a password."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from identity.errors import (
    ChallengeRequired,
    IdentityError,
    IdentityUnavailable,
    InvalidCredentials,
    NotConfirmed,
    PasswordResetRequired,
    TooManyAttempts,
)

TOTP, NEW_PASSWORD = "SOFTWARE_TOKEN_MFA", "NEW_PASSWORD_REQUIRED"  # names of challenges
_ERRORS: dict[str, type[IdentityError]] = {
    "NotAuthorizedException": InvalidCredentials,
    "UserNotFoundException": InvalidCredentials,
    "InvalidParameterException": InvalidCredentials,
    "UserNotConfirmedException": NotConfirmed,
    "PasswordResetRequiredException": PasswordResetRequired,
    "TooManyRequestsException": TooManyAttempts,
    "LimitExceededException": TooManyAttempts,
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that Cognito issues at sign-in. Never store or log them."""

    id_token: str
    access_token: str
    refresh_token: str


@cache
def client() -> Any:
    """Return the process's Cognito client."""
    config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})
    return boto3.client("cognito-idp", region_name=settings.AWS_DEFAULT_REGION, config=config)


def call(operation: str, errors: Mapping[str, type[IdentityError]], **arguments: Any) -> dict[str, Any]:
    """Call Cognito and return its answer; raise what ``errors`` has for its error code, else IdentityUnavailable."""
    try:
        answer: dict[str, Any] = getattr(client(), operation)(**arguments)
    except ClientError as error:
        raise errors.get(error.response["Error"]["Code"], IdentityUnavailable)() from None
    except (BotoCoreError, UnicodeError):
        raise IdentityUnavailable from None
    return answer


def sign_in(identifier: str, password: str) -> Tokens:
    """Check a password with Cognito and return the tokens it issues.

    Parameters
    ----------
    identifier
        Username or e-mail address.

    Raises
    ------
    InvalidCredentials, NotConfirmed, PasswordResetRequired, TooManyAttempts, ChallengeRequired, IdentityUnavailable
    """
    if not identifier or not password:
        raise InvalidCredentials
    answer = call(
        "initiate_auth",
        _ERRORS,
        ClientId=settings.CLIENT_ID,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": identifier, "PASSWORD": password},
    )
    return tokens_of(answer, identifier)


def tokens_of(answer: Mapping[str, Any], identifier: str) -> Tokens:
    """Return the tokens in Cognito's answer to a sign-in. Raises ChallengeRequired if it wants more first."""
    if "AuthenticationResult" not in answer:
        username = answer.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP", identifier)
        raise ChallengeRequired(answer["ChallengeName"], answer.get("Session", ""), username)
    result = answer["AuthenticationResult"]
    return Tokens(result["IdToken"], result["AccessToken"], result.get("RefreshToken", ""))
